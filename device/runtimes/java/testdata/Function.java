import dev.fescue.Context;
import dev.fescue.LogLevel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The function of the conformance suite (device/runtimes/runtimetest). */
public final class Function {
    private Function() {}

    public static String handle(String event, Context context) throws IOException, InterruptedException {
        int at = event.indexOf(' ');
        String verb = at < 0 ? event : event.substring(0, at);
        String rest = at < 0 ? "" : event.substring(at + 1);
        switch (verb) {
            case "echo":
                return rest;
            case "fail":
                throw new IllegalStateException(rest);
            case "sleep":
                Thread.sleep(Long.parseLong(rest));
                return "slept";
            case "print":
                System.out.println("out " + rest);
                System.err.println("err " + rest);
                return null;
            case "exit":
                Runtime.getRuntime().halt(Integer.parseInt(rest));
                return null;
            case "read":
                return Files.readString(Path.of(rest));
            case "write":
                Files.writeString(Path.of(rest), "x");
                return null;
            case "variable":
                return System.getenv(rest);
            case "topic":
                return context.topic();
            case "publish":
                context.publish(rest, "published");
                return null;
            case "log":
                context.log(LogLevel.WARNING, rest);
                return null;
            default:
                throw new IllegalArgumentException("no verb " + verb);
        }
    }
}
