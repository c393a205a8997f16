import Federation
import Parameters
import Privacy
import Record
import Wire

/// What a client process does between joining and leaving.
protocol RoundWorker {
    /// The catalogues that the client joins with.
    var catalogues: [Catalogue] { get }

    /// Does the local work of a step and puts what leaves into the gate, which is open for it.
    mutating func work(
        _ step: RoundStep, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate
    ) throws

    /// What the client writes into its own folder.
    var folderRecord: ClientFolderRecord { get }

    /// The models that the client keeps in its own folder, for `ferry recommend`; `nil` where they are broadcast.
    var keptModels: ParameterSet? { get }
}

extension RoundWorker {
    var keptModels: ParameterSet? { nil }
}
