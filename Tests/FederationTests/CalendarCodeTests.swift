import Federation
import Numerics
import Testing

@Suite struct CalendarCodeTests {
    private static let edges: [Int64] = [
        .min, .min + 1, -1_262_304_000, -65_537, -65_536, -1, 0, 1, 65_535, 65_536, 1 << 24, (1 << 24) + 1,
        1_262_304_000, 1 << 53, (1 << 53) + 1, .max - 1, .max,
    ]

    @Test(arguments: edges, edges) func `Two times come back in every bit`(validation: Int64, test: Int64) throws {
        let elements = CalendarCode.encode((validation, test))
        #expect(elements.count == CalendarCode.elementCount)
        let times = try #require(CalendarCode.decode(elements))
        #expect(times.validation == validation && times.test == test)
    }

    @Test func `Random times come back in every bit`() throws {
        var stream = RandomStream(root: 5, path: ["calendar"])
        for _ in 0..<2_000 {
            func time() -> Int64 {
                (0..<4).reduce(0) { bits, _ in bits << 16 | Int64(stream.integer(below: 65_536)) }
            }
            let (validation, test) = (time(), time())
            let times = try #require(CalendarCode.decode(CalendarCode.encode((validation, test))))
            #expect(times.validation == validation && times.test == test)
        }
    }

    @Test func `Every element is a whole number that fits sixteen bits, far below any bound`() {
        for time in CalendarCodeTests.edges {
            for element in CalendarCode.encode((time, time)) {
                #expect((0...65_535).contains(element) && element == element.rounded())
            }
        }
    }

    @Test func `No times are zeros, and zeros are no times`() {
        let elements = CalendarCode.encode(nil)
        #expect(elements == [Float](repeating: 0, count: CalendarCode.elementCount))
        #expect(CalendarCode.decode(elements) == nil)
    }

    @Test func `Two times of zero are times`() throws {
        let elements = CalendarCode.encode((0, 0))
        #expect(elements != CalendarCode.encode(nil))
        let times = try #require(CalendarCode.decode(elements))
        #expect(times.validation == 0 && times.test == 0)
    }

    @Test(
        arguments: [
            -1, 0.5, 65_536, 65_535.5, 1e9, -1e9, .nan, .infinity, -.infinity, .greatestFiniteMagnitude,
            .leastNonzeroMagnitude,
        ] as [Float])
    func `An element that nobody encodes gives no times, wherever it stands`(hostile: Float) {
        for place in 0..<CalendarCode.elementCount {
            var elements = CalendarCode.encode((1_262_304_000, 1_362_304_000))
            elements[place] = hostile
            #expect(CalendarCode.decode(elements) == nil, "element \(place)")
        }
    }

    @Test(arguments: [0, 1, 8, 10, 100]) func `Another number of elements gives no times`(count: Int) {
        #expect(CalendarCode.decode([Float](repeating: 1, count: count)) == nil)
    }
}
