import ArgumentParser
import Foundation
import Numerics

// Before anything else: on an older processor the first kernel would end the process with SIGILL.
let missing = Processor.missingFeatures()
guard missing.isEmpty else {
    let text =
        "ferry: this build needs a processor with \(missing.joined(separator: ", ")) (x86-64-v3); "
        + "build again with FERRY_BASELINE=1 in the environment\n"
    standardError(text)
    exit(70)
}
// A descriptor that the caller has closed would be given to a pipe, and results written into it.
for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
// A reader that has gone must not end the launcher before its processes.
signal(SIGPIPE, SIG_IGN)
Ferry.main()
