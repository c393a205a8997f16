import Federation
import Parameters
import Record
import Scenario
import Supervision
import Transport
import Wire

/// How far a client is that does past rounds again.
struct PastCursor {
    /// Where its next entry begins in the journal.
    var offset = 0
    /// What it has not been sent of what it may see.
    var pending = ParameterSet()
    /// The last round that concerned it.
    var lastRound = 0
    /// The round that it works on; `nil` where it has done all.
    var current: Int?
}

/// What the coordinator writes down for those who come back, and for a run that is taken up again.
extension CoordinatorProcess {
    /// Writes down what begins with a round, and sends it to those who do past rounds again and have no other to do.
    mutating func open(_ opening: Coordinator.RoundOpening, _ changed: ParameterSet) throws {
        try journal?.append(
            RunJournal.Entry(
                round: opening.round, step: opening.step.rawValue, speakers: opening.speakers.sorted(),
                isRepeated: opening.isRepeated, concerned: opening.concerned), changed)
        for client in cursors.keys.sorted() {
            // One that takes part again is sent the round itself.
            if !machine.isCatchingUp(client) {
                cursors[client] = nil
            } else if cursors[client]?.current == nil {
                try sendPast(client)
            }
        }
    }

    /// Keeps the state between two rounds; the journal is on the disk before what says how much of it counts.
    mutating func keep(_ state: Coordinator.Checkpoint) throws {
        if isDense, now - lastCheckpoint < CoordinatorProcess.interval { return }
        lastCheckpoint = now
        try journal?.synchronize()
        try RunCheckpoint.write(
            state, scenario, seed: brief.seed, hasSecureRandomness: brief.hasSecureRandomness,
            dataDirectory: brief.dataDirectory, journalByteCount: journal?.byteCount ?? 0, traffic: socket.traffic,
            to: brief.outputDirectory, written: &writtenUpdates)
    }

    /// Takes note that a client has done a past round.
    mutating func finishPast(_ client: String, _ round: Int) throws {
        guard cursors[client]?.current == round else { return }
        cursors[client]?.current = nil
        try perform(machine.handle(.acknowledged(client: client), now: now))
        try sendPast(client)
    }

    /// Sends a client the next past round that concerns it, or says that there is none.
    mutating func sendPast(_ client: String) throws {
        guard var cursor = cursors[client], let peer = socket.peer(of: client), let plan = machine.runPlan,
            let schema
        else { return }
        while let (entry, tensors, next) = try journal?.read(at: cursor.offset) {
            cursor.offset = next
            for tensor in tensors.tensors where plan.isVisible(tensor.spec, to: client) { cursor.pending.set(tensor) }
            guard let step = entry.step, entry.concerned.contains(client) else { continue }
            let message = RoundPlan(
                round: entry.round, step: step, deadline: scenario.duration("federation.deadline"),
                parameters: cursor.pending, isSpeaker: entry.speakers.contains(client),
                isRepeated: entry.isRepeated, isPast: true)
            cursor.pending = ParameterSet()
            cursor.lastRound = entry.round
            cursor.current = entry.round
            cursors[client] = cursor
            if try !socket.sendPast(message, to: peer, schema: schema) {
                cursors[client] = nil
                try perform(machine.handle(.lost(client: client, how: "does not receive"), now: now))
            }
            return
        }
        cursors[client] = cursor
        try perform(machine.handle(.caughtUp(client: client, round: cursor.lastRound), now: now))
    }
}
