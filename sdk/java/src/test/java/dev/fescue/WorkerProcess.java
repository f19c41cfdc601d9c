package dev.fescue;

import java.nio.file.Path;
import java.util.List;

/** How a worker is started. */
final class WorkerProcess {
    private WorkerProcess() {}

    /** AWS Lambda's interfaces, as an artifact brings them. */
    private static String lambda() {
        return com.amazonaws.services.lambda.runtime.Context.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    }

    /** The program, with the classes of the package and of its tests. */
    static List<String> argv() {
        Path target = Path.of("target").toAbsolutePath();
        return List.of("/bin/sh", "-c", "exec \"$@\" <&3 3<&-", "sh",
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-cp", target.resolve("classes") + ":" + target.resolve("test-classes") + ":" + lambda(), "dev.fescue.Worker");
    }
}
