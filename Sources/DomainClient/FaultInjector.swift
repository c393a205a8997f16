import Foundation
import Record
import Scenario
import Supervision
import Wire

/// Makes happen to a client what the scenario says, each event once: what has happened is written down first, so that a
/// process that was started anew does not fall over it again, nor a run that had ended for want of clients. In a run
/// that was killed from outside the rounds after the checkpoint are done again, and so is what happened in them.
struct FaultInjector {
    /// What becomes of an update.
    enum Sending {
        case whole
        case damaged(UpdateDamage)
        case nothing
    }

    private struct Mark: Codable {
        let event: Int
    }

    private let events: [(number: Int, event: FaultEvent)]
    private var happened: Set<Int>
    private let path: String

    /// The events of a client.
    ///
    /// - Parameter lastRound: the last round that counts, where what happened after it is to happen again; else `nil`.
    /// - Throws: `RecordError`.
    init(_ scenario: ScenarioDefinition, client: String, folder: String, againAfter lastRound: Int?) throws {
        events = scenario.faults.enumerated().filter { $0.element.client == client }.map { ($0.offset, $0.element) }
        path = "\(folder)/faults.jsonl"
        happened = events.isEmpty ? [] : Set(try RecordFile.takeUpLines(Mark.self, of: path).map(\.event))
        if let lastRound { happened.subtract(events.filter { $0.event.round > lastRound }.map(\.number)) }
    }

    /// What is to happen in a round, if anything.
    func event(in round: Int) -> FaultEvent? {
        events.first { $0.event.round == round && !happened.contains($0.number) }?.event
    }

    /// Kills this process where an event says so in a phase.
    mutating func crash(_ event: FaultEvent?, in phase: FaultEvent.Phase) throws {
        guard let event, event.kind == .crash, event.phase == phase else { return }
        // What was sent must have left before the process ends.
        if phase == .afterUpdate { Thread.sleep(forTimeInterval: 0.2) }
        try mark(event)
        kill(getpid(), SIGKILL)
        // A signal to oneself may take a moment.
        while true { pause() }
    }

    /// Waits until an update is late, where it is to be.
    ///
    /// - Parameter deadline: when the round closes.
    mutating func delay(_ event: FaultEvent?, beyond deadline: ContinuousClock.Instant) throws {
        guard let event, event.kind == .delay else { return }
        try mark(event)
        Thread.sleep(forTimeInterval: max(0, (deadline + event.lateBy - .now) / .seconds(1)))
    }

    /// What becomes of an update.
    mutating func sending(_ event: FaultEvent?) throws -> Sending {
        guard let event else { return .whole }
        switch event.kind {
        case .crash: return event.phase == .sending ? .damaged(.withoutLastPiece) : .whole
        case .delay: return .whole
        case .corrupt:
            try mark(event)
            switch event.damage {
            case .bytes: return .damaged(.bytes)
            case .notFinite: return .damaged(.notFinite)
            case .shape: return .damaged(.shape)
            }
        case .drop:
            try mark(event)
            return event.loss == .update ? .nothing : .damaged(.withoutFirstPiece)
        }
    }

    private mutating func mark(_ event: FaultEvent) throws {
        guard let number = events.first(where: { $0.event == event })?.number, happened.insert(number).inserted else {
            return
        }
        try RecordFile.append(Mark(event: number), to: path)
    }
}
