import Federation
import Parameters
import Privacy
import Record
import Wire

/// What a client process does between joining and leaving.
protocol RoundWorker {
    /// The catalogues that the client joins with.
    var catalogues: [Catalogue] { get }

    /// Takes what the coordinator asks of the client beside the step.
    mutating func prepare(for round: RoundPlan)

    /// Does the local work of a step and puts what leaves into the gate, which is open for it.
    mutating func work(
        _ step: RoundStep, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate
    ) throws

    /// Whether a step leaves something in the worker that is not in what was broadcast, so that a client that is back
    /// has to do it again.
    func leavesState(_ step: RoundStep) -> Bool

    /// What the client writes into its own folder.
    var folderRecord: ClientFolderRecord { get }

    /// What single persons got, for the same folder.
    var personFigures: [PersonFigures] { get }
    /// The models that the client keeps in its own folder, for `ferry recommend`; `nil` where they are broadcast.
    var keptModels: ParameterSet? { get }
}

extension RoundWorker {
    mutating func prepare(for round: RoundPlan) {}
    var keptModels: ParameterSet? { nil }
}
