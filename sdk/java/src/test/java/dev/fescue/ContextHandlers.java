package dev.fescue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** Functions that use what a context can do with state, kept topics and requests. */
public final class ContextHandlers {
    private ContextHandlers() {}

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String caught(Callable<?> call) throws Exception {
        try {
            return "nothing: " + call.call();
        } catch (FescueException e) {
            return e.getClass().getSimpleName() + " " + e.topic();
        }
    }

    public static String state(String event, Context c) throws Exception {
        KeyValue state = c.state();
        String before = state.get("n").map(Value::text).orElse("none");
        long first = state.put("n", bytes(event));
        String conflict = caught(() -> state.putIf("n", bytes("0"), first + 5));
        state.put("rooms/a", bytes("1"), Duration.ofHours(1));
        List<String> keys = state.keys("#");
        state.delete("rooms/a");
        boolean same = state.get("n").get().revision() == first;
        return String.join(" ", before, state.get("n").get().text(), String.valueOf(same), conflict, keys.toString(),
            state.keys("rooms/#").toString(), String.valueOf(state.get("rooms/a").isPresent()));
    }

    public static String kept(String event, Context c) throws Exception {
        for (int n = 0; n < 3; n++) {
            c.store("t/kept/" + event, bytes("n" + n));
        }
        List<Past> past = c.history("t/kept/" + event, null, null, 0, false);
        List<Past> last = c.history("t/kept/#", null, null, 1, true);
        String missing = caught(() -> {
            c.store("t/loose", bytes("1"));
            return "";
        });
        return past.stream().map(Past::text).collect(Collectors.joining(",")) + " " + last.get(0).text() + " " + last.get(0).topic()
            + " " + c.history("t/kept/none", null, null, 0, false).size() + " " + missing;
    }

    public static String request(String event, Context c) throws Exception {
        byte[] answer = c.request("req/twice", bytes(event), Duration.ofSeconds(10));
        return new String(answer, StandardCharsets.UTF_8) + " "
            + caught(() -> c.request("req/nobody", bytes(event), Duration.ofSeconds(5)));
    }

    public static String denied(String event, Context c) throws Exception {
        return caught(() -> c.history("secret/x", null, null, 0, false)) + ", " + caught(() -> {
            c.store("secret/x", bytes(event));
            return "";
        });
    }
}
