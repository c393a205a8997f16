import Record

extension RunReport {
    /// What crossed the sockets.
    func addTraffic(_ page: inout Page, _ pictures: inout [Picture]) {
        var content: [HTML] = []
        if let totals = runs.first?.wire {
            content.append(
                Page.paragraph(
                    HTML(
                        "Seed \(runs[0].seed): \(ReportNumber.bytes(totals.bytesUp)) went to the coordinator and "
                            + "\(ReportNumber.bytes(totals.bytesDown)) came from it in "
                            + "\(ReportNumber.count(totals.messages, "message")), plans and updates alone.")))
            if let updates = runs.first?.updates {
                content.append(Page.paragraph(HTML(UpdateFormatWords.sentence(updates))))
            }
        }
        if let wire {
            let rows = wire.traffic.filter { $0.bytes >= 0 }.sorted {
                ($1.bytes, $0.kind, $0.direction) < ($0.bytes, $1.kind, $1.direction)
            }
            let up = Look.transfer
            let down = Look.pooled
            let chart = RowChart(
                id: "bytes", title: "Bytes by kind of message",
                description: rows.map { "\($0.kind) \($0.direction): \(ReportNumber.bytes($0.bytes))" }
                    .joined(separator: "; "), xLabel: "bytes",
                rows: rows.map { row in
                    let isUp = row.direction == "up"
                    return .init(
                        name: "\(row.kind) \(isUp ? "↑" : "↓")", content: .bar(Double(row.bytes), isUp ? up : down),
                        value: ReportNumber.bytes(row.bytes))
                },
                axis: Axis.linear(rows.map { Double($0.bytes) }, includes: [0], tickCount: 3).inBytes)
            let picture = chart.picture()
            pictures += [picture].compactMap { $0 }
            let table = ReportTable(
                file: "wire", caption: "Traffic of the first seed by kind of message.",
                columns: [
                    .text("kind"), .text("direction"), .number("messages"), .number("frames"), .number("bytes"),
                ],
                rows: wire.traffic.map {
                    [
                        .name($0.kind), .name($0.direction), .integer($0.messages), .integer($0.frames),
                        .integer($0.bytes),
                    ]
                })
            content.append(
                contentsOf: Page.pictures(
                    page.figure(
                        picture, title: "Bytes by kind of message",
                        note:
                            "↑ from clients to the coordinator, ↓ from the coordinator to clients. Of the first seed.",
                        data: table)))
            if !wire.rounds.isEmpty { content.append(page.foldedTable("Rounds by step", steps(wire.rounds))) }
            if !wire.tensors.isEmpty {
                content.append(page.foldedTable("Tensors that could cross", tensors(wire.tensors)))
            }
            if wire.refused > 0 {
                content.append(Page.warning([HTML("\(ReportNumber.count(wire.refused, "frame")) were refused.")]))
            }
        }
        page.add("traffic", "What crossed the sockets", content)
    }

    private func steps(_ rounds: [RoundRecord]) -> ReportTable {
        ReportTable(
            file: "steps", caption: "Rounds of the first seed by step.",
            columns: [
                .text("step"), .number("rounds"), .prose("asked"), .number("answers"), .text("missing"),
                .number("bytes up"), .number("bytes down"),
            ],
            rows: unique(rounds.map(\.step)).map { step in
                let members = rounds.filter { $0.step == step }
                let missing = unique(members.flatMap(\.missing))
                return [
                    .name(step), .integer(members.count), .text(RunReport.few(unique(members.flatMap(\.participants)))),
                    .integer(members.reduce(0) { $0 + $1.answered }),
                    missing.isEmpty ? .missing : .text(RunReport.few(missing)),
                    .integer(members.reduce(0) { $0 + $1.bytesUp }), .integer(members.reduce(0) { $0 + $1.bytesDown }),
                ]
            })
    }

    private func tensors(_ tensors: [TensorRecord]) -> ReportTable {
        ReportTable(
            file: "tensors", caption: "Every tensor that the schema of this run allows.",
            columns: [.text("tensor"), .text("shape"), .text("scope"), .text("release")],
            rows: tensors.map {
                [
                    .name($0.name), .text($0.shape.map(String.init).joined(separator: "×")), .name($0.scope),
                    .name($0.release),
                ]
            })
    }

    /// Some names, and how many more.
    private static func few(_ names: [String]) -> String {
        names.prefix(6).joined(separator: ", ") + (names.count > 6 ? " and \(names.count - 6) more" : "")
    }

    /// Clients, choices, seeds and the scenario.
    func addSetting(_ page: inout Page) {
        var content: [HTML] = []
        if let clients = runs.first?.clients, !clients.isEmpty {
            let table = ReportTable(
                file: "clients",
                caption: "The clients of the first seed; a persons client simulates devices of persons.",
                columns: [
                    .text("client"), .text("domain"), .number("persons"), .number("items"), .number("interactions"),
                    .number("duplicates"),
                ],
                rows: clients.map {
                    [
                        .name($0.id), .name($0.domain), .integer($0.users), .integer($0.items),
                        .integer($0.interactions),
                        .integer($0.duplicates),
                    ]
                })
            content.append(
                clients.count > 12 ? page.foldedTable(HTML("\(clients.count) clients"), table) : page.table(table))
        }
        if !runs.isEmpty {
            content.append(
                page.table(
                    ReportTable(
                        file: "seeds", caption: "The seeds.",
                        columns: [
                            .number("seed"), .text("ended"), .number("rounds"), .text("lost clients"),
                            .number("bytes up"), .number("bytes down"), .number("messages"),
                        ],
                        rows: runs.map { run in
                            [
                                .integer(run.seed), .text(run.status.rawValue), .integer(run.rounds),
                                run.missing.isEmpty ? .missing : .text(RunReport.few(run.missing)),
                                .integer(run.wire.bytesUp), .integer(run.wire.bytesDown), .integer(run.wire.messages),
                            ]
                        })))
        }
        if runs.contains(where: { !$0.choices.isEmpty }) {
            content.append(page.foldedTable("What validation persons decided", choices))
        }
        if let scenario, !scenario.isEmpty {
            content.append(
                Page.folded(
                    "The scenario with all defaults filled in",
                    [
                        .element(
                            "div",
                            ["class": "scroll", "role": "group", "aria-label": "Resolved scenario", "tabindex": "0"],
                            [.element("pre", [:], [HTML(scenario)])])
                    ]))
        }
        page.add("setting", "Setting", content)
    }

    private var choices: ReportTable {
        ReportTable(
            file: "choices", caption: "Chosen with validation persons alone, before the test was read.",
            columns: [.number("seed"), .text("method"), .text("k"), .prose("choice")],
            rows: runs.flatMap { run in
                run.choices.map { choice in
                    [
                        .integer(run.seed), .name(choice.method), .text(choice.shots.map(String.init) ?? "all"),
                        .text(RunReport.words(choice)),
                    ]
                }
            })
    }

    private static func words(_ choice: ChoiceRecord) -> String {
        let numbers: [(String, Double?)] = [
            ("ridge", choice.ridge), ("regularization", choice.regularization), ("weight", choice.weight),
            ("carry", choice.carry), ("damping", choice.damping), ("setting", choice.setting), ("gate", choice.gate),
            ("gate of cold items", choice.coldGate), ("item regularization", choice.itemRegularization),
            ("feature ratio", choice.featureRatio), ("source scale", choice.sourceScale),
        ]
        let texts: [(String, String?)] = [
            ("model", choice.model), ("fold-in", choice.foldIn), ("length", choice.length),
        ]
        let parts =
            texts.compactMap { name, value in value.map { "\(name) \($0)" } }
            + numbers.compactMap { name, value in value.map { "\(name) \(ReportNumber.significant($0))" } }
        return parts.isEmpty ? "–" : parts.joined(separator: ", ")
    }
}

extension Axis {
    /// The same with labels in units of bytes.
    var inBytes: Axis {
        Axis(
            kind: kind, lower: lower, upper: upper,
            ticks: ticks.map { tick in
                Tick(
                    value: tick.value,
                    label: (0..<1e15).contains(tick.value) ? ReportNumber.bytes(Int(tick.value)) : tick.label)
            })
    }
}
