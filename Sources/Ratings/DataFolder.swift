import Glibc

/// The files of a source: those it names, or the well-known ones of a folder.
struct DataFiles {
    /// The file of ratings.
    let ratings: String
    /// The folder that the source names instead of a file.
    let folder: String?

    /// The names of the ratings in folders, by layout.
    private static let ratingNames: [(format: RatingsFormat, name: String)] = [
        (.movieLens100K, "u.data"), (.movieLens1M, "ratings.dat"), (.movieLensLatest, "ratings.csv"),
        (.goodbooks, "ratings.csv"), (.bookCrossing, "BX-Book-Ratings.csv"),
        (.yelp, "yelp_academic_dataset_review.json"), (.recbole, "*.inter"),
    ]

    /// Finds the file of ratings.
    ///
    /// - Throws: `noDataSet` when a folder holds none of the well-known files, or several; `notReadable`.
    init(_ source: DataSource) throws(DataError) {
        guard DataFiles.isFolder(source.ratings) else {
            ratings = source.ratings
            folder = nil
            return
        }
        let present = try DataFiles.names(in: source.ratings)
        var lookedFor: [String] = []
        var found: [String] = []
        for (format, pattern) in DataFiles.ratingNames where source.format == nil || source.format == format {
            guard !lookedFor.contains(pattern) else { continue }
            lookedFor.append(pattern)
            found += present.filter { name in
                let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
                return pattern.hasPrefix("*") ? plain.hasSuffix(pattern.dropFirst()) : plain == pattern
            }
        }
        guard !lookedFor.isEmpty else {
            throw .notReadable(path: source.ratings, reason: "it is a folder, and the format names no files in folders")
        }
        guard found.count == 1 else { throw .noDataSet(path: source.ratings, lookedFor: lookedFor, found: found) }
        ratings = source.ratings + "/" + found[0]
        folder = source.ratings
    }

    /// The file of items beside the ratings of a folder, when there is one.
    func items(_ format: RatingsFormat) -> String? {
        guard let folder else { return nil }
        let name: String
        switch format {
        case .recbole:
            guard let end = ratings.ranges(of: ".inter").last else { return nil }
            return DataFiles.present(ratings[..<end.lowerBound] + ".item")
        case .movieLens100K: name = "u.item"
        case .movieLens1M: name = "movies.dat"
        case .movieLensLatest: name = "movies.csv"
        case .bookCrossing: name = "BX-Books.csv"
        case .goodbooks: name = "books.csv"
        case .yelp: name = "yelp_academic_dataset_business.json"
        case .amazonRatings, .amazonReviews, .douban, .csv: return nil
        }
        return DataFiles.present(folder + "/" + name)
    }

    /// The path, or that of the compressed file; `nil` when there is neither.
    private static func present(_ path: String) -> String? {
        [path, path + ".gz"].first { access($0, F_OK) == 0 && !isFolder($0) }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names of a folder's entries, sorted.
    private static func names(in folder: String) throws(DataError) -> [String] {
        guard let handle = opendir(folder) else {
            throw .notReadable(path: folder, reason: String(cString: strerror(errno)))
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            // The name is a C array in a structure: a tuple to Swift.
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names.sorted()
    }
}
