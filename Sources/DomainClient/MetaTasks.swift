import Dispatch
import Numerics
import Ratings
import Synchronization
import Transfer

/// The tasks of one outer step of meta-learning: one a person who takes part.
struct MetaTasks {
    /// What one person brings.
    struct Member: Sendable {
        let person: String
        let history: PersonHistory
        /// The source features; empty without a source.
        var feature: [Float] = []
    }

    let seed: Int
    let round: Int
    /// The share of persons who take part.
    let participation: Double
    /// Who takes part, where clients draw it by a key of theirs.
    var sampled: Set<String>?

    /// The gradients of the members who take part, in their order; a member's is the same however many threads there
    /// are, and whoever else is in the round.
    func gradients(
        _ members: ArraySlice<Member>, learner: MetaLearner, at parameters: MetaParameters
    ) throws -> [MetaGradient] {
        let shareCount = min(2, max(1, members.count))
        let tasks = self
        var prepared = learner
        prepared.prepare(parameters)
        let first = prepared
        let parts = Mutex<[Result<[MetaGradient], NumericsError>?]>(Array(repeating: nil, count: shareCount))
        DispatchQueue.concurrentPerform(iterations: shareCount) { share in
            var learner = first
            let start = members.startIndex
            let range = start + members.count * share / shareCount..<start + members.count * (share + 1) / shareCount
            let part: Result<[MetaGradient], NumericsError>
            do throws(NumericsError) {
                var gradients: [MetaGradient] = []
                for index in range {
                    guard let task = tasks.task(of: members[index]) else { continue }
                    gradients.append(try learner.gradient(of: task, at: parameters))
                }
                part = .success(gradients)
            } catch { part = .failure(error) }
            parts.withLock { $0[share] = part }
        }
        return try parts.withLock { $0 }.flatMap { try $0?.get() ?? [] }
    }

    /// A member's task; `nil` for one who does not take part.
    private func task(of member: Member) -> MetaTask? {
        if let sampled, !sampled.contains(member.person) { return nil }
        var stream = RandomStream(root: UInt64(seed), path: ["meta-task", .name(member.person), .number(round)])
        guard sampled != nil || stream.uniform() < participation else { return nil }
        // A quarter starts from nothing, as a cold person does.
        let supportCount = stream.integer(below: 4) == 0 ? 0 : 1 + stream.integer(below: 5)
        return MetaTask(
            drawnFrom: member.history, feature: member.feature, supportCount: supportCount, stream: &stream)
    }
}
