import Numerics
import Ratings
import TestSupport
import Testing

struct TextItemVectorFileTests {
    private let items = ["a", "b", "c"]
    private let values: [Float] = [1, 2, -3.5, 4]

    private func expectRead(_ read: ItemVectors) {
        #expect(read.vectors == Matrix(rowCount: 3, columnCount: 2, values: [1, 2, -1.25, 3, -3.5, 4]))
        #expect(read.isDescribed == [true, false, true])
        #expect(abs(read.knownTokenShare - 2.0 / 3) < 1e-12)
        #expect(read.unknownIdCount == 1)
        #expect(read.duplicateIdCount == 1)
        #expect(read.commonComponent.isEmpty)
    }

    @Test(arguments: [
        "a 1 2\nc -3.5 4\nz 7 7\na 9 9\n", "a,1,2\r\nc,-3.5,4\r\nz,7,7\r\na,9,9",
        "a\t1\t2\nc\t-3.5\t4\nz\t7\t7\na\t9\t9\n",
        "id,x,y\na, 1, 2\n\nc,-3.5,4\nz,7,7\na,9,9\n", "4 2\na 1 2\nc -3.5 4\nz 7 7\na 9 9\n",
        "item_id:token\tvector:float_seq\na\t1 2\nc\t-3.5 4\nz\t7 7\na\t9 9\n",
    ])
    func linesOfIdsAndNumbersAreRead(text: String) throws {
        expectRead(try itemVectors(Array(text.utf8), items: items))
        expectRead(try itemVectors(gzip(Array(text.utf8)), items: items))
    }

    @Test func anIdMayHoldSpacesAndCommasBeforeATab() throws {
        let read = try itemVectors(
            Array("Toy Story (1995)\t1 2\nMatrix, The (1999)\t3,4\n".utf8),
            items: ["Matrix, The (1999)", "Toy Story (1995)"])
        #expect(read.vectors.values == [3, 4, 1, 2])
    }

    @Test func rowsOfOneNumberAreNoHeader() throws {
        for text in ["5 3\n7 2\n", "5 1\n7 2\n"] {
            let read = try itemVectors(Array(text.utf8), items: ["5", "7"])
            #expect(read.vectors.values == [text.contains("3") ? 3 : 1, 2])
        }
        #expect(try itemVectors(Array("5 3\n".utf8), items: ["5"]).vectors.values == [3])
        #expect(try itemVectors(Array("2 2\n5 3 1\n".utf8), items: ["5"]).vectors.values == [3, 1])
    }

    @Test(arguments: [
        ("a 1 2\nc 1\n", 2), ("a 1 2\nc 1 2 3\n", 2), ("a 1 2\nc nan 3\n", 2), ("a 1 2\nc\n", 2),
        ("Toy Story 1 2\n", 1),
        ("id,x\nid,x\n", 2), ("a 1\n 2\n", 2),
    ])
    func malformedLinesAreRefusedWithTheirNumber(text: String, line: Int) {
        #expect {
            _ = try itemVectors(Array(text.utf8), items: items)
        } throws: { error in
            guard case .malformedLine(_, line, _)? = error as? DataError else { return false }
            return true
        }
    }

    @Test func aNumPyArrayIsReadWithItsIds() throws {
        let all: [Float] = values + [7, 7, 9, 9]
        let single = all.flatMap { littleEndian($0.bitPattern) }
        let double = all.flatMap { littleEndian(Double($0).bitPattern) }
        for version in [1, 2, 3] as [UInt8] {
            for bytes in [
                numPy(shape: "(4, 2)", version: version, single),
                numPy(descr: "<f8", shape: "(4, 2)", version: version, double),
            ] {
                expectRead(try itemVectors(bytes, ids: "a\nc\nz\na\n", items: items))
                expectRead(try itemVectors(gzip(bytes), ids: "a\nc\nz\na", items: items))
            }
        }
    }

    @Test func otherArraysAreRefused() throws {
        let data = values.flatMap { littleEndian($0.bitPattern) }
        let ids = "a\nc\n"
        #expect(try itemVectors(numPy(shape: "(2, 2)", data), ids: ids, items: items).unknownIdCount == 0)
        let bad = [
            numPy(descr: ">f4", shape: "(2, 2)", data), numPy(descr: "<i4", shape: "(2, 2)", data),
            numPy(fortran: "True", shape: "(2, 2)", data), numPy(shape: "(4,)", data), numPy(shape: "(1, 2, 2)", data),
            numPy(shape: "()", data), numPy(shape: "(2, -2)", data), numPy(shape: "(2, 3)", data),
            numPy(shape: "(2, 1)", data), numPy(shape: "(4611686018427387904, 4)", data),
            numPy(shape: "(99999999999999999999, 4)", data), numPy(shape: "(2, 4097)", data),
            numPy(shape: "(0, 2)", []), numPy(shape: "(2, 2)", version: 4, data),
            numPy(shape: "(1, 4)", data), numPy(shape: "(2, 2)", data + [0]),
        ]
        for (number, bytes) in bad.enumerated() {
            #expect(throws: DataError.self, "array \(number)") { try itemVectors(bytes, ids: ids, items: items) }
        }
        var notFinite = data
        notFinite.replaceSubrange(12..<16, with: littleEndian(Float.nan.bitPattern))
        #expect(throws: DataError.self) { try itemVectors(numPy(shape: "(2, 2)", notFinite), ids: ids, items: items) }
        let good = numPy(shape: "(2, 2)", data)
        for ids in [nil, "", "a\n", "a\nb\nc\n", "a\n\nb\n"] {
            #expect(throws: DataError.self) { try itemVectors(good, ids: ids, items: items) }
        }
    }
}
