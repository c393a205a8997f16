import ArgumentParser
import Foundation
import Numerics
import Ratings
import Recommenders

/// Measurements of Ferry's parts, one JSON line each.
@main
struct FerryBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ferry-benchmark", abstract: "Measure Ferry's parts; one JSON line a measurement.",
        subcommands: [ALSCommand.self, LoadCommand.self, RoundCommand.self, RoundClientCommand.self, WireCommand.self])
}

/// `ferry-benchmark als`.
struct ALSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "als", abstract: "Train implicit ALS and print times and the objective as one JSON line.",
        discussion: """
            The confidence of an observed cell is its rating, repeated rows keep the last, and the objective is divided
            by the sum of all confidences; factors start uniform below 0.01. So does the package implicit.
            """)

    enum SolverName: String, ExpressibleByArgument, CaseIterable { case cg, cholesky }

    @Argument(help: ArgumentHelp("A RecBole .inter file.", valueName: "file"))
    var file: String

    @Option(help: "Dimensions of the factors.")
    var factors = 64

    @Option(help: "Sweeps over users and items.")
    var iterations = 15

    @Option(help: "λ.")
    var regularization: Float = 0.01

    @Option(help: "How rows are solved.")
    var solver = SolverName.cg

    @Option(help: ArgumentHelp("Conjugate-gradient steps a row and sweep.", valueName: "n"))
    var solverSteps = 3

    @Option(help: ArgumentHelp("Threads of a half-sweep; the factors do not depend on it.", valueName: "n"))
    var threads = 1

    func run() throws {
        guard (1...4_096).contains(factors), iterations > 0, solverSteps > 0, (1...256).contains(threads),
            regularization >= 0, regularization.isFinite
        else {
            throw ValidationError(
                "factors (at most 4096), iterations, solver-steps and threads (at most 256) must be positive, "
                    + "regularization not negative")
        }
        NumericsBackEnd.useOneThread()
        let data = try LoadedData.read(DataSource(ratings: file, duplicates: .last)).interactions
        let configuration = ImplicitALS.Configuration(
            factors: factors, regularization: regularization, confidence: 0, iterations: iterations,
            solver: solver == .cg ? .conjugateGradient(steps: solverSteps) : .cholesky, start: .uniform(below: 0.01))
        let start = ContinuousClock.now
        let cpuStart = clock()
        let model = try ImplicitALS(
            data.rows, confidences: data.ratings, configuration: configuration,
            stream: RandomStream(root: 1, path: ["benchmark"]), threadCount: threads)
        let cpu = Double(clock() - cpuStart) / Double(CLOCKS_PER_SEC)
        let wall = (ContinuousClock.now - start) / .seconds(1)
        let line: [String: Double] = [
            "cpu_s": cpu, "wall_s": wall, "loss": model.objective(data.rows, confidences: data.ratings),
            "users": Double(data.persons.count),
            "items": Double(data.items.count), "cells": Double(data.rows.columns.count),
        ]
        let text = try JSONSerialization.data(withJSONObject: line, options: [.sortedKeys])
        print(String(decoding: text, as: UTF8.self))
    }
}
