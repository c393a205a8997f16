import Yams

extension ScenarioDecoder {
    /// Replaces one key of the tree by a `path=value` pair; `clients.ID.key` reaches into the list of clients.
    mutating func apply(_ override: String, to root: inout Node) {
        guard let equals = override.firstIndex(of: "=") else {
            addProblem("--set \(shortened(override)): expected path=value, as in --set model.factors=32")
            return
        }
        let path = override[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let text = String(override[override.index(after: equals)...])
        guard text.utf8.count <= 65_536, ScenarioDecoder.lineWithAnchor(text) == nil,
            let parsed = try? Yams.compose(yaml: text)
        else {
            addProblem("--set \(shortened(override)): the value is not YAML")
            return
        }
        guard let place = replace(&root, path[...], parsed, place: "") else {
            addProblem("--set \(shortened(override)): there is no such place in the scenario")
            return
        }
        overrides.append(place)
    }

    /// Puts a value at a path; returns the key path of the place, or `nil` when there is none.
    private func replace(_ node: inout Node, _ path: ArraySlice<String>, _ value: Node, place: String) -> String? {
        guard let first = path.first, !first.isEmpty else { return nil }
        if case .sequence(var sequence) = node {
            guard let index = sequence.firstIndex(where: { $0.mapping?["id"]?.string == first }), path.count > 1 else {
                return nil
            }
            defer { node = .sequence(sequence) }
            return replace(&sequence[index], path.dropFirst(), value, place: "\(place)[\(index)]")
        }
        guard case .mapping(var mapping) = node else { return nil }
        defer { node = .mapping(mapping) }
        let place = place.isEmpty ? first : "\(place).\(first)"
        if path.count == 1 {
            mapping[first] = value
            return place
        }
        var child = mapping[first] ?? Node.mapping(Node.Mapping([]))
        let found = replace(&child, path.dropFirst(), value, place: place)
        if found != nil { mapping[first] = child }
        return found
    }

    /// Defaults of the calibrated world where they differ from those of the table.
    private static let calibratedDefaults = [
        "world.persons": "1478", "world.overlap": "0.8985", "world.items": "1253", "world.interactions": "40",
        "world.taste-strength": "1.5", "world.domain-gap": "0.3", "world.rating-noise": "0.82",
    ]

    /// Sets every key that was left out to its default.
    mutating func fillDefaults() {
        let isCalibrated = text("world.preset") == "calibrated"
        for key in ScenarioKey.all where !key.defaultText.isEmpty {
            if key.path.hasPrefix("clients[].") {
                let rest = key.path.dropFirst("clients[]".count)
                let isOfData = rest.hasPrefix(".data.")
                for index in 0..<clientCount {
                    if isOfData, !present.contains("clients[\(index)].data") { continue }
                    setDefault(key, at: "clients[\(index)]\(rest)", key.defaultText)
                }
            } else {
                let preset = isCalibrated ? ScenarioDecoder.calibratedDefaults[key.path] : nil
                setDefault(key, at: key.path, preset ?? key.defaultText)
            }
        }
        // The map cannot predict more dimensions than the model has.
        if case .integer(let factors)? = values["model.factors"], !present.contains("transfer.dimension") {
            setValue("transfer.dimension", .integer(factors))
        }
        fillFactorTraining()
    }

    /// The strategy decides what a round of shared item factors is, and with it how many there are.
    private mutating func fillFactorTraining() {
        guard let strategy = text("federation.strategy") else { return }
        if !["fedavg", "gradient"].contains(strategy), !present.contains("federation.local-steps") {
            setValue("federation.local-steps", .integer(1))
        }
        if StrategyNames.leastClients(strategy, byzantine: 1) != nil, !present.contains("federation.byzantine-clients")
        {
            setValue("federation.byzantine-clients", .integer(1))
        }
        if strategy == "fedavg", integer("federation.local-steps") == 0, let sweeps = integer("model.iterations"),
            !present.contains("federation.factor-rounds")
        {
            setValue("federation.factor-rounds", .integer(sweeps))
        }
        if values["federation.server-rate"] == nil, !present.contains("federation.server-rate") {
            setValue("federation.server-rate", .number(StrategyNames.adaptive.contains(strategy) ? 0.05 : 1))
        }
        fillMode()
    }

    private mutating func setDefault(_ key: ScenarioKey, at path: String, _ text: String) {
        guard values[path] == nil, !present.contains(path) else { return }
        if key.kind.isList {
            let members = text.dropFirst().dropLast().split(separator: ",")
            let list = members.compactMap {
                try? key.kind.parse(String($0.drop(while: { $0 == " " })), isQuoted: false).get()
            }
            setValue(path, .list(list))
        } else if let value = try? key.kind.parse(text, isQuoted: false).get() {
            setValue(path, value)
        }
    }

    func text(_ path: String) -> String? {
        if case .text(let value)? = values[path] { value } else { nil }
    }

    func isOn(_ path: String) -> Bool {
        if case .boolean(true)? = values[path] { true } else { false }
    }

    func integer(_ path: String) -> Int? {
        if case .integer(let value)? = values[path] { value } else { nil }
    }

    func duration(_ path: String) -> Duration? {
        if case .milliseconds(let value)? = values[path] { .milliseconds(value) } else { nil }
    }

    func number(_ path: String) -> Double? {
        if case .number(let value)? = values[path] { value } else { nil }
    }

    private func numbers(_ path: String) -> [Double] {
        guard case .list(let list)? = values[path] else { return [] }
        return list.compactMap { if case .number(let value) = $0 { value } else { nil } }
    }

    func integers(_ path: String) -> [Int] {
        guard case .list(let list)? = values[path] else { return [] }
        return list.compactMap { if case .integer(let value) = $0 { value } else { nil } }
    }

    func names(_ path: String) -> [String] {
        guard case .list(let list)? = values[path] else { return [] }
        return list.compactMap { if case .text(let value) = $0 { value } else { nil } }
    }

    /// The entries of `clients:` that have an id and a domain.
    var clientGroups: [ScenarioDefinition.ClientGroup] {
        (0..<clientCount).compactMap { index in
            let path = "clients[\(index)]"
            guard let id = text("\(path).id"), let domain = text("\(path).domain") else { return nil }
            var data: ScenarioDefinition.DataSource?
            if let format = text("\(path).data.format") {
                data = ScenarioDefinition.DataSource(
                    format: format, ratings: text("\(path).data.ratings"), items: text("\(path).data.items"),
                    itemVectors: text("\(path).data.item-vectors"), wordVectors: text("\(path).data.word-vectors"),
                    duplicates: text("\(path).data.duplicates") ?? "default",
                    zeros: text("\(path).data.zeros") ?? "default",
                    mergeTwins: number("\(path).data.merge-twins").flatMap { $0 > 0 ? $0 : nil },
                    malformedLineLimit: integer("\(path).data.malformed-lines") ?? 0,
                    columns: ["user", "item", "rating", "time"].map { text("\(path).data.columns.\($0)") })
            }
            return ScenarioDefinition.ClientGroup(
                id: id, domain: domain, count: integer("\(path).count") ?? 1,
                perProcess: integer("\(path).per-process") ?? 1, links: names("\(path).links"), data: data)
        }
    }

    /// Reports every combination that cannot work.
    mutating func checkRules() {
        guard problems.isEmpty else { return }
        for required in ["name", "target"] where text(required) == nil { report(required, "this key is required") }
        guard clientCount > 0 else {
            report(
                "clients", "this key is required: at least a source and a target domain client, and a persons client")
            return
        }
        for index in 0..<clientCount { checkClient(index) }
        guard problems.isEmpty else { return }
        checkIdentifiers()
        checkFaults()
        checkDomains()
        checkLimits()
    }

    private mutating func checkClient(_ index: Int) {
        let path = "clients[\(index)]"
        for required in ["id", "domain"] where text("\(path).\(required)") == nil {
            report("\(path).\(required)", "this key is required")
        }
        guard let domain = text("\(path).domain") else { return }
        if domain == ScenarioDefinition.personsDomain {
            if present.contains("\(path).data") {
                report(
                    "\(path).data", "a persons client reads the data of the domains it links and has none of its own")
            }
            if names("\(path).links").count < 2 {
                report("\(path).links", "a persons client links at least two domains, as in links: [movies, books]")
            }
            return
        }
        if !names("\(path).links").isEmpty { report("\(path).links", "only a persons client has links") }
        guard let format = text("\(path).data.format") else {
            report("\(path).data", "this key is required for a domain client")
            return
        }
        let isSynthetic = format == "synthetic"
        if !isSynthetic, text("\(path).data.ratings") == nil { report("\(path).data.ratings", "this key is required") }
        if isSynthetic {
            for key in ["ratings", "items", "item-vectors"] where text("\(path).data.\(key)") != nil {
                report("\(path).data.\(key)", "the synthetic world has no files")
            }
        }
    }

    private mutating func checkIdentifiers() {
        var seen: [String: String] = [:]
        guard clientGroups.reduce(0, { $0 + $1.count }) <= 10_000 else {
            report("clients", "more than 10,000 clients are refused")
            return
        }
        for (index, group) in clientGroups.enumerated() {
            for member in 0..<group.count {
                let id = group.count == 1 ? group.id : "\(group.id)-\(member + 1)"
                if id.utf8.count > 64 { report("clients[\(index)].id", "\(id) is longer than 64 characters") }
                if let other = seen.updateValue("clients[\(index)]", forKey: id) {
                    report("clients[\(index)].id", "client id \(id) is taken by \(other)")
                }
            }
        }
    }

    private mutating func checkDomains() {
        let groups = clientGroups
        var served: [String: Int] = [:]
        for (index, group) in groups.enumerated() where !group.isPersons {
            if let other = served.updateValue(index, forKey: group.domain) {
                report("clients[\(index)].domain", "domain \(group.domain) is already served by clients[\(other)]")
            }
        }
        let domains = served.keys.sorted()
        func unknown(_ name: String) -> String {
            // Edit distances to many domains would cost more than they help.
            let hint = domains.count > 50 ? nil : nearest(name, domains).map { "; did you mean \($0)?" }
            return "no client serves domain \(name)\(hint ?? "")"
        }
        for (index, group) in groups.enumerated() {
            for link in group.links where served[link] == nil { report("clients[\(index)].links", unknown(link)) }
        }
        if let drifting = text("world.drift.domain"), served[drifting] == nil {
            report("world.drift.domain", unknown(drifting))
        }
        guard let target = text("target") else { return }
        if served[target] == nil {
            report("target", unknown(target))
        } else if domains.count < 2 {
            report("clients", "transfer needs a source domain beside the target \(target)")
        }
        let persons = groups.enumerated().filter { $0.element.isPersons }
        checkDenseVectors(groups)
        if let domain = text("world.shortcut.domain"), served[domain] == nil {
            report("world.shortcut.domain", unknown(domain))
        } else if text("world.shortcut.domain") == nil, number("world.shortcut.length") != 0 {
            report("world.shortcut.length", "name the domain of the shortcut in world.shortcut.domain")
        }
        if text("transfer.method") == "adversarial" { checkGame(groups) }
        if text("transfer.method") == "article", text("transfer.alignment") != "text" {
            report("transfer.method", "article needs alignment: text")
        }
        checkWordVectors(groups)
        if text("transfer.alignment") == "text" {
            checkTextAlignment(groups, target: target)
        } else if persons.isEmpty {
            report("transfer.alignment", "alignment persons needs a client with domain: persons")
        }
        for (index, group) in persons
        where !group.links.contains(target) && group.links.allSatisfy({ served[$0] != nil }) {
            report("clients[\(index)].links", "the target domain \(target) must be linked")
        }
    }

    /// What the adversarial game needs.
    private mutating func checkGame(_ groups: [ScenarioDefinition.ClientGroup]) {
        let services = groups.filter { !$0.isPersons }
        if services.count > 2 { report("transfer.method", "adversarial has one source domain beside the target") }
        if text("transfer.adversarial.input") == "persons" { return checkGameOfPersons() }
        if text("transfer.adversarial.decoder") != nil {
            report(
                "transfer.adversarial.decoder",
                "only a game of persons has decoders; set transfer.adversarial.input to persons")
        }
        for (index, group) in groups.enumerated() where !group.isPersons {
            if group.isShared, integer("transfer.adversarial.bins") != 1 {
                report(
                    "transfer.adversarial.bins",
                    "several clients share \(group.domain), and none knows how popular an item is in all of it; only 1 is possible"
                )
            }
            if !hasText(group) {
                report(
                    "clients[\(index)].data",
                    "adversarial needs text or vectors of the items of every domain; name them in items or item-vectors"
                )
            }
        }
    }

    /// What the adversarial game of persons needs.
    private mutating func checkGameOfPersons() {
        if text("transfer.alignment") != "persons" {
            report("transfer.adversarial.input", "persons needs alignment: persons")
        }
        if integer("transfer.adversarial.bins") != 1 {
            report(
                "transfer.adversarial.bins",
                "bins are those of items' popularity; with input persons only 1 is possible")
        }
        if values["transfer.adversarial.target-preferences"] == .boolean(true) {
            report(
                "transfer.adversarial.target-preferences", "with input persons decoders take the place of preferences")
        }
    }

    /// Dense vectors of the synthetic world have the dimensions that the world has.
    private mutating func checkDenseVectors(_ groups: [ScenarioDefinition.ClientGroup]) {
        guard text("world.item-vectors") == "dense",
            groups.contains(where: { $0.data?.format == DataFormatName.synthetic }),
            let taste = integer("world.taste-dimensions"), let dimension = integer("text.dimension")
        else { return }
        let expected = taste + (number("world.shortcut.length") == 0 ? 0 : 1)
        if dimension != expected {
            report("text.dimension", "dense vectors of this world have dimension \(expected), not \(dimension)")
        }
    }

    /// Whether the items of a domain client can have vectors.
    private func hasText(_ group: ScenarioDefinition.ClientGroup) -> Bool {
        group.data.map {
            $0.vectorObstacle(wordVectors: text("text.word-vectors"), worldVectors: text("world.item-vectors")) == nil
        } ?? false
    }

    /// Where word vectors of a domain's own make sense, and what a space of words needs.
    private mutating func checkWordVectors(_ groups: [ScenarioDefinition.ClientGroup]) {
        let isByText = text("transfer.alignment") == "text"
        let space = text("transfer.text.space") ?? TextSpaceName.shared
        if let rotation = number("world.word-rotation"), rotation != 0, !isByText {
            report("world.word-rotation", "only alignment text knows word vectors of a domain's own")
        }
        let files = Set(groups.filter { !$0.isPersons }.map { $0.data?.wordVectors })
        for (index, group) in groups.enumerated() where group.data?.wordVectors != nil {
            // One file for all is no different from text.word-vectors.
            guard files.count > 1 else { continue }
            if !isByText {
                report(
                    "clients[\(index)].data.word-vectors", "only alignment text takes word vectors of a domain's own")
            } else if space == TextSpaceName.shared {
                report(
                    "clients[\(index)].data.word-vectors",
                    "with transfer.text.space shared all domains have the same word vectors; choose "
                        + TextSpaceName.all.dropFirst().joined(separator: ", "))
            }
        }
        guard isByText, TextSpaceName.ofWords.contains(space) else { return }
        for group in groups where group.data?.isOfWords(worldVectors: text("world.item-vectors")) == false {
            report("transfer.text.space", "\(space) needs words, and the items of \(group.domain) have other vectors")
        }
    }

    /// What domains that texts alone link need.
    private mutating func checkTextAlignment(_ groups: [ScenarioDefinition.ClientGroup], target: String) {
        if let method = text("transfer.method"), !["feature-map", "article", "meta"].contains(method) {
            report("transfer.alignment", "only feature-map, meta and article can be aligned by text")
        }
        if text("transfer.method") == "meta", let space = text("transfer.text.space"), space != TextSpaceName.shared {
            report("transfer.text.space", "meta has one tower for all domains' texts, which must share a space")
        }
        if text("transfer.method") == "article", number("model.regularization") == 0 {
            report("model.regularization", "the article's recipe needs more than 0, such as 0.01")
        }
        for (index, group) in groups.enumerated() {
            if group.isPersons {
                report(
                    "clients[\(index)].domain",
                    "alignment text has no persons client: the target scores its own persons")
            } else if group.domain == target, group.count > 1 {
                report(
                    "clients[\(index)].count", "with alignment text the target is one client, which holds its models")
            } else if !hasText(group) {
                report(
                    "clients[\(index)].data",
                    "alignment text needs text or vectors of the items of every domain; name them in items or item-vectors"
                )
            }
        }
    }

    /// What detection of drift needs.
    private mutating func checkDrift() {
        guard let windows = integer("drift.windows"), windows > 0 else { return }
        if text("transfer.method") != "feature-map" || text("transfer.alignment") != "persons" {
            report("drift.windows", "drift needs transfer.method feature-map and transfer.alignment persons")
        }
        if text("transfer.map") == "mlp" {
            report(
                "drift.windows", "an mlp would have to be trained again in many rounds; drift needs transfer.map linear"
            )
        }
        if clientGroups.contains(where: \.isShared) {
            report("drift.windows", "drift needs one client a domain; leave out count")
        }
        if text("evaluation.split") != "time" {
            report("drift.windows", "windows of time need evaluation.split: time")
        }
        if names("evaluation.baselines").contains(where: { $0 != "local-ensemble" }) {
            report(
                "drift.windows",
                "baselines do not adapt to drift; give evaluation.baselines: [], or [local-ensemble]")
        }
        if let begin = number("evaluation.test-time"), let end = number("drift.end"), end <= begin {
            report("drift.end", "\(end) is not later than evaluation.test-time, \(begin), where the windows begin")
        }
        if let warmUp = integer("drift.warm-up"), warmUp >= windows {
            report("drift.warm-up", "\(warmUp) leaves none of \(windows) windows for an alarm")
        }
    }

    /// What protection needs.
    private mutating func checkPrivacy() {
        guard let mode = text("privacy.mode") else { return }
        let given = ["privacy.epsilon", "privacy.noise-multiplier"].filter { values[$0] != nil }
        guard mode != "none" else {
            if let path = given.first(where: { number($0) != nil }) {
                report(path, "nothing is protected in mode none; set privacy.mode, such as silo")
            }
            return
        }
        if given.isEmpty {
            report(
                "privacy.mode",
                "\(mode) needs privacy.epsilon or privacy.noise-multiplier; epsilon: none is without noise")
        } else if given.allSatisfy({ number($0) != nil }), given.count == 2 {
            report("privacy.noise-multiplier", "the noise is given by privacy.epsilon already; leave one of them out")
        }
        guard given.contains(where: { number($0) != nil }) else { return }
        let method = text("transfer.method") ?? ""
        let isGameOfPersons = method == "adversarial" && text("transfer.adversarial.input") == "persons"
        if text("transfer.alignment") != "persons" || !(["feature-map", "meta"].contains(method) || isGameOfPersons) {
            report(
                "privacy.mode",
                "\(mode) protects what persons' devices release: it needs transfer.method feature-map, meta or adversarial (with transfer.adversarial.input: persons), and alignment persons"
            )
        }
        if text("transfer.map") == "mlp" {
            report("transfer.map", "only the linear map is protected; mlp needs privacy.mode none")
        }
        if (integer("drift.windows") ?? 0) > 0 {
            report(
                "drift.windows",
                "windows of time release unprotected sums in every round; drift needs privacy.mode none")
        }
        let relation = text("privacy.neighbouring")
        if mode == "local", relation != "replace-one" {
            report(
                "privacy.neighbouring",
                "who sends a noised contribution is seen to be there; local needs privacy.neighbouring: replace-one")
        }
        let persons = clientGroups.filter(\.isPersons).reduce(0) { $0 + $1.count }
        if mode == "distributed", persons < 3 {
            report(
                "privacy.mode",
                "of \(persons) persons clients each knows nearly all of the noise; distributed needs at least 3 (count)"
            )
        }
        if let draws = integer("privacy.noise-draws"), draws > 1, persons != 1 || method != "feature-map" {
            report("privacy.noise-draws", "only one persons client with feature-map can draw the noise again")
        }
        if text("privacy.encoders") == "disjoint" {
            if method != "feature-map" { report("privacy.encoders", "disjoint needs transfer.method feature-map") }
            if let index = clientGroups.firstIndex(where: \.isShared) {
                report("clients[\(index)].count", "with disjoint encoders every domain has one client")
            }
        }
    }

    private mutating func checkLimits() {
        checkStrategy()
        checkMode()
        checkDrift()
        checkPrivacy()
        checkProtection()
        checkRelease()
        checkSimilarity()
        checkRatings()
        let clients = clientGroups.reduce(0) { $0 + $1.count }
        if let minimum = integer("federation.minimum-clients"), minimum > clients {
            report("federation.minimum-clients", "\(minimum) is more than the \(clients) clients of the scenario")
        }
        if text("transfer.map") == "mlp",
            text("transfer.method") != "feature-map" || text("transfer.alignment") != "persons"
        {
            report("transfer.map", "mlp is a map of method feature-map with alignment persons")
        }
        if let share = number("federation.participation"), share != 1 {
            report("federation.participation", "feature-map asks every client in every round; only 1 is possible")
        }
        if let dimension = integer("transfer.dimension"), let factors = integer("model.factors"), dimension > factors {
            report("transfer.dimension", "\(dimension) is more than model.factors, \(factors)")
        }
        if let dimension = integer("transfer.source-dimension") {
            if let factors = integer("model.factors"), dimension > factors {
                report("transfer.source-dimension", "\(dimension) is more than model.factors, \(factors)")
            }
            let isGameOfItems =
                text("transfer.method") == "adversarial" && text("transfer.adversarial.input") != "persons"
            if text("transfer.alignment") != "persons" || isGameOfItems {
                report(
                    "transfer.source-dimension",
                    "only feature-map, meta and adversarial of persons, with alignment persons, have source features")
            }
        }
        if text("transfer.method") == "meta", text("transfer.meta.variant") == "ridge",
            number("transfer.meta.regularization") == 0
        {
            report("transfer.meta.regularization", "the ridge variant needs more than 0, such as 1")
        }
        let shots = integers("evaluation.shots")
        if let minimum = integer("evaluation.minimum-interactions"), let most = shots.max(), minimum <= most {
            report(
                "evaluation.minimum-interactions",
                "\(minimum) leaves nothing to predict after \(most) shots; at least \(most + 1) is needed")
        }
        for path in ["evaluation.metrics", "transfer.text.lengths"] where names(path).isEmpty {
            report(path, "the list is empty")
        }
        if number("world.shortcut.length") != 0, text("world.item-vectors") != "dense" {
            report("world.shortcut.length", "only dense vectors have a shortcut; set world.item-vectors to dense")
        }
        if let earlier = number("evaluation.validation-time"), let later = number("evaluation.test-time"),
            earlier >= later
        {
            report("evaluation.test-time", "\(later) is not later than evaluation.validation-time, \(earlier)")
        }
        let scale = numbers("evaluation.rating-scale")
        if values["evaluation.rating-scale"] != nil, scale.count != 2 || scale[0] >= scale[1] {
            report("evaluation.rating-scale", "expected the lowest and the highest rating, as in [1, 5]")
        }
        if let endpoint = text("transport.endpoint") { checkEndpoint(endpoint) }
        if isOn("transport.curve"), text("transport.kind") != "tcp" {
            report("transport.curve", "only transport.kind: tcp is encrypted; unix sockets lie in a private folder")
        }
    }

    private mutating func checkEndpoint(_ endpoint: String) {
        guard text("transport.kind") == "tcp" else {
            report("transport.endpoint", "only transport.kind: tcp takes an endpoint")
            return
        }
        let colon = endpoint.lastIndex(of: ":") ?? endpoint.endIndex
        let port = endpoint[colon...].dropFirst()
        let host = endpoint[..<colon]
        let isAddress =
            host.hasPrefix("tcp://") && host.utf8.count > "tcp://".utf8.count && !port.isEmpty
            && host.dropFirst(6).utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            && port.allSatisfy { ("0"..."9").contains($0) } && Int(port).map { $0 <= 65_535 } == true
        guard isAddress else {
            report("transport.endpoint", "\"\(endpoint)\" is not tcp://ADDRESS:PORT")
            return
        }
        if !["tcp://127.0.0.1", "tcp://[::1]"].contains(host), !isOn("transport.curve") {
            report(
                "transport.endpoint",
                "\"\(endpoint)\" is not tcp://127.0.0.1:PORT; without transport.curve: true only addresses of this machine are allowed"
            )
        }
    }
}
