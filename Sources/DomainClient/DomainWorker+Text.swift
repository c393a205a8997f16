import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Recommenders
import Record
import Scenario
import Supervision
import Transfer

/// Where texts link the domains: sources ship maps, and the target's client trains, chooses and scores by itself.
extension DomainWorker {
    /// Ships what the source has learnt of item texts.
    mutating func releaseTextMaps(_ step: RoundStep, known: ParameterSet, gate: inout ReleaseGate) throws {
        guard let vectors else { throw missingText() }
        if scenario.isMeta {
            // How the texts lie is all that the target is told of them; what persons teach of them are gradients.
            if isSpeaker { try publish(TextMoments(TextSource.described(vectors)), gate: &gate) }
            return
        }
        let rows = try training(step.stage, known: known).rows
        let itemFactors = try itemFactors(step, rows: rows, known: known)
        // Of several clients with the same factors one speaks.
        guard isSpeaker else { return }
        let source = try TextSource(
            scenario, domain: domain, seed: seed, rows: client.group.isShared ? nil : rows, itemFactors: itemFactors,
            vectors: vectors)
        for (isShuffled, map) in source.maps {
            try gate.publish(
                TensorName.textMap(domain, .weights, isShuffled: isShuffled), values: map.weights.values)
            try gate.publish(TensorName.textMap(domain, .offset, isShuffled: isShuffled), values: map.offset)
            try gate.publish(TensorName.textMap(domain, .length, isShuffled: isShuffled), values: [map.meanLength])
        }
        if let publicWords { try gate.publish(TensorName.textMap(domain, .words), values: publicWords.values) }
        try publish(source.moments, gate: &gate)
    }

    private func publish(_ moments: TextMoments, gate: inout ReleaseGate) throws {
        try gate.publish(TensorName.textMap(domain, .mean), values: moments.mean.map { Float($0) })
        try gate.publish(TensorName.textMap(domain, .covariance), values: moments.covariance.map { Float($0) })
    }

    /// One outer step of meta-learning on the client's own persons.
    mutating func releaseMeta(_ step: RoundStep, known: ParameterSet, gate: inout ReleaseGate) throws {
        guard let vectors else { throw missingText() }
        if metaTrainer?.stage != step.stage {
            metaTrainer = try MetaTextTrainer(
                scenario, seed: seed, stage: step.stage, domain: domain, persons: interactions.persons,
                data: try training(step.stage, known: known), vectors: vectors)
        }
        try metaTrainer?.absorb(known)
        do { try metaTrainer?.release(gate: &gate) } catch is NumericsError {
            throw MetaTasks.divergence(client: client.id, round: metaTrainer?.round ?? 0)
        }
    }

    private func missingText() -> RunFailure {
        RunFailure(
            .data,
            "no item of \(domain) has text, which transfer.alignment text needs; name a file with titles in "
                + "clients[].data.items")
    }

    /// Trains the target's models of a stage, for its own use: first what it would train without any source, then, in
    /// every further round, a few models of text.
    mutating func trainAlone(_ step: RoundStep, plan: RunPlan, known: ParameterSet) throws {
        guard let vectors else { throw missingText() }
        if scenario.isMeta {
            try trainLocalModels(step, plan: plan, known: known)
            try metaTrainer?.absorb(known)
            ranker = TextRanker(try metaTrainer?.models() ?? [])
            return
        }
        var models = textModels ?? TextModels(scenario, seed: seed, vectors: vectors, words: publicWords)
        if models.stage == step.stage {
            try models.trainNext()
        } else {
            let encoders = try trainLocalModels(step, plan: plan, known: known)
            try models.begin(
                encoders, data: try training(step.stage, known: known), tasks: validationTasks, plan: plan,
                known: known)
        }
        textModels = models
        ranker = models.ranker
    }

    /// Trains what needs no source, as the other domains' clients do in the step that is returned.
    @discardableResult private mutating func trainLocalModels(
        _ step: RoundStep, plan: RunPlan, known: ParameterSet
    ) throws -> RoundStep {
        let encoders = step.isFinal ? RoundStep.refitEncoders : .encoders
        try keep(plan.modelSpecs) { worker, local in
            try worker.trainEncoders(encoders, plan: plan, known: known, gate: &local)
        }
        return encoders
    }

    /// Computes tensors that stay with the client, through a gate that nothing leaves.
    private mutating func keep(
        _ specs: [TensorSpec], _ work: (inout DomainWorker, inout ReleaseGate) throws -> Void
    ) throws {
        var local = ReleaseGate(client: client.id, ledger: Ledger(client: client.id) { _ in })
        local.open(round: 0, specs: specs)
        try work(&self, &local)
        for tensor in try local.keep().tensors { own.set(tensor) }
    }

    private func deviceModels(_ plan: RunPlan) throws -> DeviceModels {
        var models = try DeviceModels(plan: plan, known: own, scenario: scenario, scale: scale)
        models.text = ranker
        return models
    }

    /// Chooses what validation persons are served with.
    mutating func selectAlone(plan: RunPlan, known: ParameterSet) throws {
        var scoring = try scoring(known)
        var models = try deviceModels(plan)
        try keep(plan.keptSpecs.filter { $0.release == ReleaseName.selection }) { worker, local in
            try scoring.releaseSelection(plan: plan, known: worker.own, models: &models, gate: &local)
        }
        self.scoring = scoring
    }

    /// Measures what blends gain on validation persons.
    mutating func gateAlone(plan: RunPlan) throws {
        guard var scoring else { throw RunFailure(.internalError, "the gate came before the choices") }
        var models = try deviceModels(plan)
        try keep(plan.keptSpecs.filter { $0.release == ReleaseName.gate }) { worker, local in
            try scoring.releaseGate(plan: plan, known: worker.own, models: &models, gate: &local)
        }
    }

    /// Scores everybody.
    mutating func evaluateAlone(plan: RunPlan, known: ParameterSet) throws {
        var models = try deviceModels(plan)
        var scoring = try scoring(known)
        try scoring.evaluate(plan: plan, known: own, models: &models)
        do { discrepancy = try discrepancies(plan, known: known) } catch {
            RoleProcess.report(.warning("how far the domains are apart could not be measured: \(error)"))
        }
        self.scoring = scoring
        keptModels = try ranker?.kept(plan)
        // What it was trained beside, so that the choices can be served; sums over validation persons are not needed.
        let names = Set(plan.modelSpecs.map(\.name))
        for tensor in own.tensors where names.contains(tensor.spec.name) { keptModels?.set(tensor) }
    }

    private func discrepancies(_ plan: RunPlan, known: ParameterSet) throws -> [DiscrepancyRecord] {
        guard let vectors else { return [] }
        let texts = TextSource.described(vectors)
        if let metaTrainer {
            return try Discrepancies.ofTower(plan, known: known, texts: texts, trainer: metaTrainer)
        }
        guard let spaces = textModels?.spaces else { return [] }
        return try Discrepancies.ofTexts(
            plan, known: known, texts: texts, spaces: spaces, factors: scenario.integer("model.factors"))
    }

    /// The target's persons, each with the history that the service itself holds.
    private func scoring(_ known: ParameterSet) throws -> TargetEvaluation {
        if let scoring { return scoring }
        let devices = interactions.persons.enumerated().map { index, person in
            Device(person: person, histories: [domain: interactions.history(index)])
        }
        var scoring = TargetEvaluation(client, scenario: scenario, seed: seed, scale: scale, devices: devices)
        scoring.makeSplits(of: [domain: interactions], times: SplitTimes(known))
        return scoring
    }
}
