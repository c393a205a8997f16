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
        subcommands: [ALSCommand.self])
}

/// `ferry-benchmark als`.
struct ALSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "als", abstract: "Train implicit ALS on a RecBole file and print times and the objective.")

    enum SolverName: String, ExpressibleByArgument, CaseIterable { case cg, cholesky }

    @Argument(help: ArgumentHelp("A RecBole .inter file.", valueName: "file"))
    var file: String

    @Option(help: "Dimensions of the factors.")
    var factors = 64

    @Option(help: "Sweeps over users and items.")
    var iterations = 15

    @Option(help: "λ.")
    var regularization: Float = 0.01

    @Option(help: "α: observed cells have confidence 1 + α.")
    var confidence: Float = 1

    @Option(help: "How rows are solved.")
    var solver = SolverName.cg

    func run() throws {
        guard factors > 0, iterations > 0, regularization >= 0, confidence >= 0 else {
            throw ValidationError("factors and iterations must be positive, regularization and confidence not negative")
        }
        NumericsBackEnd.useOneThread()
        let data = try RecBoleFile.read(ratings: file, items: nil, duplicates: .byDefault)
        let configuration = ImplicitALS.Configuration(
            factors: factors, regularization: regularization, confidence: confidence, iterations: iterations,
            solver: solver == .cg ? .conjugateGradient(steps: 3) : .cholesky)
        let start = ContinuousClock.now
        let cpuStart = clock()
        let model = try ImplicitALS(
            data.rows, configuration: configuration, stream: RandomStream(root: 1, path: ["benchmark"]))
        let cpu = Double(clock() - cpuStart) / Double(CLOCKS_PER_SEC)
        let wall = (ContinuousClock.now - start) / .seconds(1)
        let line: [String: Double] = [
            "cpu_s": cpu, "wall_s": wall, "loss": model.objective(data.rows), "users": Double(data.persons.count),
            "items": Double(data.items.count), "cells": Double(data.rows.columns.count),
        ]
        let text = try JSONSerialization.data(withJSONObject: line, options: [.sortedKeys])
        print(String(decoding: text, as: UTF8.self))
    }
}
