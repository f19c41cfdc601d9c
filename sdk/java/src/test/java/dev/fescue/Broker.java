package dev.fescue;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The real broker, sdk/conformance/broker, as tests drive it. Started again, it has the same addresses. */
final class Broker implements AutoCloseable {
    static final String TOKEN = "0123456789abcdef".repeat(4);
    static final String OTHER = "fedcba9876543210".repeat(4);
    static final Path CONFORMANCE = Path.of("..", "conformance").toAbsolutePath().normalize();
    private static final Gson GSON = new Gson();
    private static Path program;

    private final Path dir;
    private final Map<String, Object> grants = new LinkedHashMap<>();
    private Process process;
    private BufferedReader answers;
    private Writer commands;
    String address;

    Broker() {
        try {
            dir = Files.createTempDirectory(Path.of("/tmp"), "fx"); // a socket's path has 107 bytes at most
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        grants.put("app", grantOf("app", TOKEN, List.of("t/#", "req/#"), List.of("t/#", "req/#")));
        start();
    }

    private static synchronized Path built() throws IOException, InterruptedException {
        if (program == null) {
            Path directory = Files.createTempDirectory("fescue-broker-");
            program = directory.resolve("broker");
            program.toFile().deleteOnExit();
            Process build = new ProcessBuilder("go", "build", "-o", program.toString(), ".")
                .directory(CONFORMANCE.resolve("broker").toFile()).inheritIO().start();
            if (build.waitFor() != 0) {
                throw new IOException("the broker does not build");
            }
        }
        return program;
    }

    void start() {
        try {
            String options = GSON.toJson(Map.of("dir", dir.toString(), "grants", grants.values()));
            process = new ProcessBuilder(built().toString(), options).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            commands = process.outputWriter(StandardCharsets.UTF_8);
            address = answer().get("unix").getAsString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Map<String, Object> grantOf(String name, String token, List<String> subscribe, List<String> publish) {
        return Map.of("name", name, "token", token, "subscribe", subscribe, "publish", publish);
    }

    void grant(String name, String token, List<String> subscribe, List<String> publish) {
        grants.put(name, grantOf(name, token, subscribe, publish));
        command(Map.of("grant", grants.get(name)));
    }

    /** A grant as {@link #grant}, with a topic that is kept. */
    void grantKeeping(String name, String kept, List<String> subscribe, List<String> publish) {
        Map<String, Object> grant = new LinkedHashMap<>(grantOf(name, "", subscribe, publish));
        grant.put("keep", List.of(Map.of("topic", kept, "size", 1 << 20)));
        grants.put(name, grant);
        command(Map.of("grant", grant));
    }

    /** Gives a command, returns its answer. */
    synchronized JsonObject command(Map<String, ?> command) {
        try {
            commands.write(GSON.toJson(command) + "\n");
            commands.flush();
            return answer();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonObject answer() throws IOException {
        String line = answers.readLine();
        if (line == null) {
            throw new IOException("the broker ended");
        }
        return JsonParser.parseString(line).getAsJsonObject();
    }

    /** Starts a worker whose handler is in the tests' classes; its answer is empty when it is ready. */
    JsonObject worker(String name, String handler, String... env) {
        List<String> variables = new java.util.ArrayList<>(List.of(env));
        variables.add("FESCUE_HANDLER=" + handler);
        Map<String, Object> worker = Map.of("name", name, "argv", WorkerProcess.argv(), "dir", "/tmp", "env", variables);
        return command(Map.of("worker", worker));
    }

    JsonObject call(String name, byte[] payload, int timeout, String[]... attributes) {
        return command(Map.of("invoke", Map.of("name", name, "timeout", timeout, "attributes", attributes,
            "payload", Base64.getEncoder().encodeToString(payload))));
    }

    /** Calls a function; its result, or "TYPE: MESSAGE" of its failure. */
    String invoke(String name, String payload, String[]... attributes) {
        JsonObject answer = call(name, payload.getBytes(StandardCharsets.UTF_8), 10_000, attributes);
        if (answer.has("type") || answer.has("error")) {
            return text(answer, "type") + ": " + text(answer, "error");
        }
        return answer.has("result") ? new String(Base64.getDecoder().decode(answer.get("result").getAsString()), StandardCharsets.UTF_8) : "";
    }

    private static String text(JsonObject answer, String key) {
        return answer.has(key) ? answer.get(key).getAsString() : "";
    }

    JsonArray logs() {
        return command(Map.of("logs", Map.of())).getAsJsonArray("logs");
    }

    void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** Ends it in order. */
    void end() throws IOException, InterruptedException {
        if (process.isAlive()) {
            commands.close();
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                kill();
            }
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        end();
        try (var paths = Files.walk(dir)) {
            paths.sorted(Comparator.reverseOrder()).forEach(p -> p.toFile().delete());
        }
    }
}
