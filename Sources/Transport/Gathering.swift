package import Parameters
package import Wire

/// Which pieces of their updates the clients of a round may send, so that all send the same piece at about the same time
/// and its sums are done before the next: what it needs of memory does not depend on how long the updates are.
///
/// Pure bookkeeping: who asks, arrives and leaves goes in, credit comes out. A client whose update was added in part and
/// that leaves makes all others send again from the first piece. Pieces that it asked for before are then on their way
/// still, and are passed over when they come: a connection keeps their order.
package struct Gathering<Member: Hashable & Sendable>: Sendable {
    private struct State {
        /// Whether it has asked for credit.
        var isReady = false
        /// The pieces that it has credit for, from the first; those that have arrived; those that are in the sums.
        var granted = 0
        var arrived = 0
        var added = 0
        /// Pieces on their way that it had credit for before the sums were begun again.
        var outdated = 0
        /// What has arrived and is not in the sums.
        var waiting: [[TensorStorage]] = []
    }

    /// The round.
    package let round: Int
    private let pieceByteCount: Int
    private let windowByteCount: Int
    private let isMean: Bool
    private var states: [Member: State] = [:]
    private var sum: PiecewiseSum
    /// Those that may be given credit for their next piece, in turn; those that are too far ahead for it.
    private var queue: [Member] = []
    private var ahead: [Member] = []
    /// Pieces that have credit and are not in the sums: of the one that is being added, and all together.
    private var currentCount = 0
    private var outstandingCount = 0
    /// Those whose present piece waits to be added.
    private var batch: [Member] = []
    /// Those whose present piece is in the sums.
    private var addedCount = 0

    /// Pieces that a client may be ahead of the first that is not in all sums.
    package static var leadLimit: Int { 3 }

    /// A gathering from which nobody has asked for credit.
    ///
    /// - Parameters:
    ///   - clientCount: how many updates the scale of the sums must have room for.
    ///   - isMean: whether the sums are divided by the number of updates.
    ///   - windowByteCount: the bytes of pieces that may be under way or wait; half is kept for the first piece that is not in
    ///     all sums.
    package init(
        _ members: [Member], round: Int, specs: [TensorSpec], clientCount: Int, isMean: Bool,
        pieceByteCount: Int = Envelope.pieceByteLimit, windowByteCount: Int = 32 << 20
    ) {
        self.round = round
        self.isMean = isMean
        self.pieceByteCount = pieceByteCount
        self.windowByteCount = windowByteCount
        for member in members { states[member] = State() }
        sum = PiecewiseSum(
            specs: specs, clientCount: clientCount, pieceByteCount: pieceByteCount)
    }

    /// Those whose updates are gathered.
    package var members: Set<Member> { Set(states.keys) }

    package func contains(_ member: Member) -> Bool { states[member] != nil }

    /// Those that the sums wait for: who has not asked, or has credit for the present piece and has not sent it. Who waits for
    /// room that others hold is not among them.
    package var awaited: Set<Member> {
        Set(states.filter { !$0.value.isReady || sum.piece >= $0.value.arrived && sum.piece < $0.value.granted }.keys)
    }

    /// Whether every update is in the sums.
    package var isComplete: Bool { sum.piece == sum.pieceCount && !states.isEmpty }

    /// The sums of all updates.
    ///
    /// - Throws: `valueOutOfBound`.
    package consuming func total() throws(ParameterError) -> ParameterSet { try sum.total() }

    /// Takes a client's request for credit; returns whether it was its first.
    package mutating func request(_ member: Member) -> Bool {
        guard states[member]?.isReady == false else { return false }
        states[member]?.isReady = true
        queue.append(member)
        return true
    }

    /// Whether a client has credit for a piece that has not come.
    package func mayArrive(_ member: Member) -> Bool {
        states[member].map { $0.outdated > 0 || $0.granted > $0.arrived } ?? false
    }

    /// Takes a piece that `mayArrive`; returns whether it is the one that had to come.
    ///
    /// - Parameter spare: arrays that may be overwritten; those that fit the sums are taken out.
    package mutating func arrive(_ member: Member, _ part: UpdatePart, spare: inout SpareArrays) -> Bool {
        guard var state = states[member], mayArrive(member) else { return false }
        if state.outdated > 0 {
            states[member]?.outdated -= 1
            return true
        }
        guard part.offset == state.arrived * pieceByteCount,
            part.byteCount == sum.byteCount(ofPiece: state.arrived)
        else { return false }
        // Taken out so that the list is not copied.
        states[member] = nil
        if state.arrived == sum.piece { batch.append(member) }
        state.arrived += 1
        state.waiting.append(part.elements)
        states[member] = state
        add(&spare)
        return true
    }

    /// Forgets a client. What was added of its update leaves the sums, to which all others then send theirs again: returns
    /// whether they must.
    package mutating func remove(_ member: Member, spare: inout SpareArrays) -> Bool {
        guard let state = states.removeValue(forKey: member) else { return false }
        queue.removeAll { $0 == member }
        ahead.removeAll { $0 == member }
        batch.removeAll { $0 == member }
        // Its pieces on the way no longer take room.
        outstandingCount -= state.granted - state.added
        if state.granted > sum.piece, state.added <= sum.piece { currentCount -= 1 }
        guard state.added > 0 else {
            add(&spare)
            return false
        }
        restart()
        return !states.isEmpty
    }

    private mutating func restart() {
        sum.restart()
        (currentCount, outstandingCount, addedCount) = (0, 0, 0)
        (batch, ahead) = ([], [])
        queue = []
        for (member, state) in states {
            var next = State()
            next.isReady = state.isReady
            next.outdated = state.outdated + state.granted - state.arrived
            states[member] = next
            if next.isReady { queue.append(member) }
        }
    }

    /// The pieces that may be under way or wait.
    private var limit: Int { max(2, windowByteCount / max(1, sum.byteCount(ofPiece: 0))) }

    /// Those among them that are kept for the present piece.
    private var currentLimit: Int { sum.piece + 1 < sum.pieceCount ? limit / 2 : limit }

    /// Adds what has arrived of the present piece, once it is enough for one pass or all there is.
    private mutating func add(_ spare: inout SpareArrays) {
        while !states.isEmpty, sum.piece < sum.pieceCount {
            let isLast = addedCount + batch.count == states.count
            guard isLast || batch.count >= min(PiecewiseSum.batchCount, currentLimit) else { return }
            if !batch.isEmpty {
                sum.add(batch.compactMap { states[$0]?.waiting.first })
                for member in batch {
                    states[member]?.waiting.removeFirst()
                    states[member]?.added += 1
                }
                addedCount += batch.count
                currentCount -= batch.count
                outstandingCount -= batch.count
                batch = []
            }
            guard isLast else { return }
            sum.finishPiece(times: isMean ? 1 / Double(states.count) : 1, spare: &spare)
            addedCount = 0
            currentCount = 0
            for (member, state) in states {
                if state.granted > sum.piece { currentCount += 1 }
                if state.arrived > sum.piece { batch.append(member) }
            }
            queue = ahead + queue
            ahead = []
        }
    }

    /// The pieces that clients may send now; each is given once. *Complexity*: O(1) while there is no room for any, else
    /// O(members).
    package mutating func grants() -> [(member: Member, piece: Int)] {
        let (limit, currentLimit) = (limit, currentLimit)
        var grants: [(member: Member, piece: Int)] = []
        var left: [Member] = []
        var next = 0
        while next < queue.count {
            // Room is kept for the piece that all wait for.
            let hasCurrentRoom = currentCount < currentLimit
            let hasLeadRoom = outstandingCount + max(0, currentLimit - currentCount) < limit
            guard hasCurrentRoom || hasLeadRoom else { break }
            let member = queue[next]
            next += 1
            guard let state = states[member], state.granted < sum.pieceCount else { continue }
            let isCurrent = state.granted == sum.piece
            if state.granted >= sum.piece + Gathering.leadLimit {
                ahead.append(member)
            } else if isCurrent ? hasCurrentRoom : hasLeadRoom {
                grants.append((member, state.granted))
                states[member]?.granted += 1
                outstandingCount += 1
                if isCurrent { currentCount += 1 }
                queue.append(member)
            } else {
                left.append(member)
            }
        }
        queue.replaceSubrange(..<next, with: left)
        return grants
    }
}
