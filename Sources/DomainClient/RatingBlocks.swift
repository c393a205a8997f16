package import Cryptography
import Privacy
import Ratings
package import Scenario
package import Transfer

/// A person's ratings dealt into blocks, so that one rating moves a small part of what the person's device releases.
///
/// The block of a rating follows from person, domain and item alone. Feature and coordinates are means, over all blocks,
/// of what each block alone gives, each clipped; a block that has no ratings gives zeros. `PrivacyPlan.ratingMovement`
/// says how far one rating moves their product.
///
/// *Determinism*: a pure function of key and device.
package struct RatingBlocks {
    private let count: Int
    private let featureBound: PersonClipping
    private let targetBound: PersonClipping
    private let hash: KeyedHash

    /// - Returns: `nil` where the unit is a person.
    /// - Throws: `PrivacyError`.
    package init?(_ scenario: ScenarioDefinition, key: StreamKey) throws {
        guard scenario.hidesRatings else { return nil }
        count = scenario.ratingBlocks
        featureBound = try PersonClipping(bound: scenario.number("privacy.feature-bound"))
        targetBound = try PersonClipping(bound: scenario.number("privacy.target-bound"))
        hash = KeyedHash(key: key.derived(["rating-blocks"]))
    }

    /// The device once for each block, with the ratings of that block alone.
    private func devices(_ device: Device, domains: [String], item: (String, UInt32) -> String) -> [Device] {
        let blocks = domains.map { domain in
            device.history(in: domain).items.map { code in
                // The length keeps two persons' names apart from parts of an item's.
                let name = "\(device.person.utf8.count)/\(device.person)/\(domain)/\(item(domain, code))"
                return Int(hash.integer(of: name) % UInt64(count))
            }
        }
        return (0..<count).map { block in
            device.keeping(
                Dictionary(
                    uniqueKeysWithValues: zip(domains, blocks).map { domain, dealt in
                        (domain, dealt.indices.filter { dealt[$0] == block })
                    }))
        }
    }

    /// f̄ and t̄ of a device.
    ///
    /// - Parameters:
    ///   - domains: all domains of which the device has ratings.
    ///   - item: the name of an item of a domain.
    ///   - feature: f of the ratings that a device has.
    ///   - coordinates: t of them; `nil` without any of the target.
    package func pair(
        of device: Device, domains: [String], item: (String, UInt32) -> String, feature: (Device) throws -> [Float],
        coordinates: (Device) throws -> [Float]?
    ) throws -> (feature: [Float], coordinates: [Float]?) {
        var sums: (feature: [Double], coordinates: [Double]?) = ([], nil)
        func add(_ values: [Float], _ bound: PersonClipping, to sum: [Double]?) -> [Double] {
            var tensors = [values.map(Double.init)]
            _ = bound.clip(&tensors)
            guard let sum, !sum.isEmpty else { return tensors[0] }
            return zip(sum, tensors[0]).map { $0 + $1 }
        }
        for part in devices(device, domains: domains, item: item) {
            sums.feature = add(try feature(part), featureBound, to: sums.feature)
            if let values = try coordinates(part) {
                sums.coordinates = add(values, targetBound, to: sums.coordinates)
            }
        }
        func mean(_ sum: [Double]) -> [Float] { sum.map { Float($0 / Double(count)) } }
        return (mean(sums.feature), sums.coordinates.map(mean))
    }
}
