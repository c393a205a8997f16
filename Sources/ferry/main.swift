import ArgumentParser
import Foundation
import Numerics

// Before anything else: on an older processor the first kernel would end the process with SIGILL.
let missing = Processor.missingFeatures()
guard missing.isEmpty else {
    let text =
        "ferry: this build needs a processor with \(missing.joined(separator: ", ")) (x86-64-v3); "
        + "build again with FERRY_BASELINE=1 in the environment\n"
    FileHandle.standardError.write(Data(text.utf8))
    exit(70)
}
Ferry.main()
