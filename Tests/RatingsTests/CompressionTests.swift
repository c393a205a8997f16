import Foundation
import Ratings
import TestSupport
import Testing

@Suite struct CompressionTests {
    /// `printf 'user,item,rating\nann,tea,4.5\nbob,tea,2\n' | gzip -9n | base64`.
    private let known = "H4sIAAAAAAACAystTi3SySxJzdUpSizJzEvnSszL0ylJTdQx0TPlSspPArONuAB9bSjPJwAAAA=="

    @Test func aFileOfTheGzipProgramIsRead() throws {
        let bytes = try #require(Data(base64Encoded: known))
        let read = try load([UInt8](bytes), name: "r.csv.gz").interactions
        #expect(read.persons == ["ann", "bob"] && read.items == ["tea"] && read.ratings == [4.5, 2])
    }

    @Test func everyTruncationIsAnError() throws {
        let whole = [UInt8](try #require(Data(base64Encoded: known)))
        for count in 2..<whole.count {
            let found = try failure(Array(whole[..<count]), name: "r.csv.gz", format: .csv)
            #expect(found == "cannot read r.csv.gz: its gzip data end too early", "\(count) bytes")
        }
    }

    @Test func everyFlippedBitIsAnErrorOrHarmless() throws {
        let whole = [UInt8](try #require(Data(base64Encoded: known)))
        let expected = try load(whole, name: "r.csv.gz").interactions
        // Time, flags and system of the header mean nothing to the content; the checksum holds the rest.
        for bit in 8 * 10..<8 * whole.count {
            var damaged = whole
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            if let read = try? load(damaged, name: "r.csv.gz", format: .csv) {
                #expect(read.interactions == expected, "bit \(bit)")
            }
        }
    }

    @Test func severalMembersAreOneFile() throws {
        let parts = ["user,item,rating\na", ",i,1\nb,", "i,2\n", "", "c,i,3\n"]
        let bytes = parts.flatMap { Gzip.member(Array($0.utf8)) }
        #expect(try load(bytes, name: "r.csv").interactions.ratings == [1, 2, 3])
        #expect(try load(bytes + [0, 0, 0, 0], name: "r.csv").interactions.ratings == [1, 2, 3])
        #expect(
            try failure(bytes + Array("junk".utf8), name: "r.csv") == "cannot read r.csv: its gzip data are damaged")
    }

    @Test func aLargeFileIsReadThroughASmallBuffer() throws {
        let rows = (0..<200_000).map { "user-\($0 % 5_000),item-\($0 / 5_000),\(1 + $0 % 5)" }
        let text = Array(("user,item,rating\n" + rows.joined(separator: "\n")).utf8)
        let plain = try load(text, name: "r.csv").interactions
        #expect(plain.ratings.count == 200_000)
        #expect(try load(Gzip.member(text, blockByteCount: 65_535), name: "r.csv").interactions == plain)
        #expect(try load(Gzip.member(text, blockByteCount: 7), name: "r.csv").interactions == plain)
    }

    @Test func aLineWithoutAnEndIsRefusedInsteadOfFillingMemory() throws {
        let bytes = Array("user,item,rating\n".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 18 << 20)
        let found = try failure(Gzip.member(bytes, blockByteCount: 65_535), name: "r.csv.gz")
        #expect(found == "r.csv.gz:2: expected a line of at most 16777216 bytes")
    }
}
