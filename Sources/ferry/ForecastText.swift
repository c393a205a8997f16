import Record
import Reporting
import Scenario
import Simulation

/// What `--dry-run` prints.
enum ForecastText {
    /// The forecast of one seed; the seeds are alike.
    static func text(
        _ forecast: RunForecast, _ scenario: ScenarioDefinition, itemCounts: [String: Int]
    ) -> String {
        let seeds = scenario.seeds.count == 1 ? "1 seed" : "\(scenario.seeds.count) seeds, one after the other"
        let domains = scenario.domains.map { "\($0) \(DataTable.grouped(itemCounts[$0] ?? 0))" }
        var out = "\(scenario.name): \(seeds); everything below is of one seed\n"
        out += "items: \(domains.joined(separator: ", "))\n\n"
        let processes = ["coordinator"] + scenario.clientProcesses.map(ScenarioDefinition.processName)
        out += "\(processes.count) processes beside this one: \(list(processes))\n\n"
        let rounds = forecast.steps.reduce(0) { $0 + $1.roundCount }
        let alarms =
            scenario.mostAdaptationRounds > 0 ? ", and up to \(scenario.mostAdaptationRounds) more with alarms" : ""
        let time =
            forecast.mayLeaveOut
            ? "; of those of shared item factors simulated time may leave some out, and asks fewer clients in most" : ""
        out += "\(rounds) rounds\(alarms)\(time)\n"
        out += ResultTable.table(
            [["step", "rounds", "asks"]]
                + forecast.steps.map { [$0.name, "\($0.roundCount)", list($0.participants)] })
        out += "\n\(forecast.tensors.count) tensors, \(megabytes(forecast.tensorBytes)) if all are sent once\n"
        out += ResultTable.table(
            [["tensor", "shape", "scope", "release"]]
                + forecast.tensors.map {
                    let shape = $0.shape.map(String.init).joined(separator: " × ")
                    return [$0.name, shape + ($0.format.map { " as \($0)" } ?? ""), $0.scope, $0.release]
                })
        let isExact =
            forecast.isExact
            ? "exact while every client stays"
            : forecast.mayLeaveOut
                ? "as if every round asked all clients; simulated time leaves some out"
                : "the least; alarms of drift add to it"
        out += "\nmessages through the coordinator, \(isExact)\n" + WireTable.kinds(forecast.traffic)
        if let bytes = forecast.bytesUpInFloat32, let format = scenario.updateFormat {
            out += "with \(format); in float32 the updates would be \(DataTable.grouped(bytes)) bytes\n"
        }
        out += "\nmemory, estimated: beside the data of a client, its models and what every process starts with\n"
        out += ResultTable.table(
            [["process", "parameters", "a round", "what"]]
                + forecast.memory.map {
                    [$0.process, megabytes($0.parameterBytes), megabytes($0.roundBytes), $0.what]
                })
        out += "\n" + PrivacyTable.text(forecast.privacy)
        return out + "nothing was started\n"
    }

    /// What robust strategies make the coordinator hold, over the points of a sweep.
    static func strategyMemory(_ scenarios: [ScenarioDefinition]) -> String {
        let lines = scenarios.flatMap(StrategyForecast.lines)
        return lines.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.map { "  \($0)\n" }.joined()
    }

    private static func list(_ names: [String]) -> String {
        names.count <= 8
            ? names.joined(separator: ", ") : names.prefix(6).joined(separator: ", ") + ", … (\(names.count))"
    }

    private static func megabytes(_ bytes: Int) -> String {
        bytes < 100_000
            ? "\(DataTable.grouped(bytes)) B" : "\(ResultTable.decimals(Double(bytes) / 1e6, 1)) MB"
    }
}
