package dev.fescue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers of functions, called by the real broker. */
@Timeout(120)
class WorkerTest {
    private Broker broker;

    @BeforeEach
    void startBroker() {
        broker = new Broker();
        broker.grant("fn", "", List.of(), List.of("out/#"));
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    private void start(String handler, String... env) {
        JsonObject answer = broker.worker("fn", handler.startsWith("dev.") ? handler : "dev.fescue.Handlers::" + handler, env);
        assertEquals("{}", answer.toString());
    }

    @Test
    void calls() {
        start("echo");
        for (int n = 0; n < 200; n++) {
            assertEquals("grün " + n, broker.invoke("fn", "grün " + n));
        }
        String large = "x".repeat(900_000);
        assertEquals(large, broker.invoke("fn", large));
        assertEquals("", broker.invoke("fn", ""));
    }

    @ParameterizedTest
    @CsvSource({"text,ab!", "nothing,''", "dev.fescue.Handlers$Upper,AB", "read,-1"})
    void handlersOfEveryForm(String handler, String answer) {
        start(handler);
        assertEquals(answer, broker.invoke("fn", "ab"));
        assertEquals("{\"status\":0}", broker.command(Map.of("stop", "fn")).toString());
    }

    @Test
    void context() {
        start("about", "FESCUE_VERSION=1.2.3", "FESCUE_DEVICE=kitchen-pi");
        byte[] nothing = {};
        JsonObject answer = broker.call("fn", nothing, 5000, new String[] {"id", "17"}, new String[] {"source", "s"},
            new String[] {"type", "t"}, new String[] {"time", "2026-01-02T03:04:05Z"}, new String[] {"subject", "poly/request"});
        String text = new String(java.util.Base64.getDecoder().decode(answer.get("result").getAsString()), StandardCharsets.UTF_8);
        assertEquals("17 s t 2026-01-02T03:04:05Z poly/request fn 1.2.3 kitchen-pi true "
            + "{id=17, source=s, type=t, time=2026-01-02T03:04:05Z, subject=poly/request}", text);
    }

    @Test
    void exceptionsAreFailuresWithoutFramesOfTheSdk() {
        start("fail");
        for (int n = 0; n < 20; n++) { // the worker goes on, also when reflection has changed its ways
            JsonObject failure = broker.call("fn", new byte[] {'3'}, 1000);
            assertEquals("java.lang.IllegalArgumentException", failure.get("type").getAsString());
            assertEquals("bad 3", failure.get("error").getAsString());
            String stack = failure.get("stack").getAsString();
            assertTrue(stack.startsWith("java.lang.IllegalArgumentException: bad 3\n\tat dev.fescue.Handlers.fail("), stack);
            assertEquals(2, stack.lines().count(), stack);
        }
    }

    @Test
    void otherFailures() {
        start("caused");
        String stack = broker.call("fn", new byte[] {'3'}, 1000).get("stack").getAsString();
        assertTrue(stack.contains("Caused by: java.lang.IllegalArgumentException: bad 3"), stack);
        broker.command(Map.of("stop", "fn"));
        start("unsendable");
        assertTrue(broker.invoke("fn", "").contains("what the handler returned cannot be sent: a java.lang.Object"));
        broker.command(Map.of("stop", "fn"));
        start("huge");
        assertTrue(broker.invoke("fn", "2000000").startsWith("TooLarge: "));
        assertEquals(1_000_000, broker.invoke("fn", "1000000").length());
        broker.command(Map.of("stop", "fn"));
        start("deep");
        assertEquals("java.lang.StackOverflowError: ", broker.invoke("fn", "x"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "4"})
    void publishing(String concurrency) {
        start("publish", "FESCUE_CONCURRENCY=" + concurrency);
        assertEquals("", broker.invoke("fn", "out/x"));
        assertEquals("[[\"fn\",2,\"three published\"]]", broker.logs().toString());
        assertTrue(broker.invoke("fn", "secret/x").startsWith("dev.fescue.FescueException$Denied: "));
        assertTrue(broker.invoke("fn", "a/#/b").startsWith("dev.fescue.FescueException$InvalidTopic: "));
        assertTrue(broker.invoke("fn", "").startsWith("dev.fescue.FescueException$InvalidTopic: "));
        assertEquals("", broker.invoke("fn", "out/y"));
    }

    @ParameterizedTest
    @CsvSource({
        "'',package.Class", "no.Such,there is no class no.Such", "dev.fescue.Handlers::noSuch,no public method noSuch",
        "dev.fescue.Handlers::twice,several methods twice", "dev.fescue.Handlers,no public method handleRequest",
        "dev.fescue.Handlers$Broken,while constructing", "dev.fescue.Handlers$Static::handle,no number",
    })
    void aHandlerThatCannotBeLoaded(String handler, String part) {
        try (HeldWorker held = new HeldWorker(handler)) {
            held.expect(Type.HELLO);
            HeldWorker.Frame failure = held.expect(Type.FAILURE);
            assertEquals(0, failure.id());
            assertTrue(failure.text().contains(part), failure.text());
            held.send(HeldWorker.welcome());
            held.expectEnd();
            assertEquals(1, held.status());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "3"})
    void theEndOfTheLinkEndsItAtOnce(String concurrency) {
        try (HeldWorker held = HeldWorker.ready("sleep", concurrency)) {
            held.end();
            assertEquals(1, held.status());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "4"})
    void manyUnderWayAreAllAnswered(String concurrency) {
        try (HeldWorker held = HeldWorker.ready("echo", concurrency)) {
            int count = 3000;
            Thread sender = new Thread(() -> { // the worker does not read while its answers are not read
                for (int n = 1; n <= count; n++) {
                    held.send(HeldWorker.invocation(n, String.valueOf(n)));
                }
            });
            sender.start();
            boolean[] seen = new boolean[count + 1];
            for (int n = 0; n < count; n++) {
                HeldWorker.Frame result = held.expect(Type.RESULT);
                assertEquals(String.valueOf(result.id()), result.text());
                assertFalse(seen[(int) result.id()]);
                seen[(int) result.id()] = true;
            }
        }
    }

    @Test
    void invocationsSideBySideAndGoodbye() {
        try (HeldWorker held = HeldWorker.ready("sleep", "3")) {
            held.send(HeldWorker.invocation(1, "900"));
            held.send(HeldWorker.invocation(2, "450"));
            held.send(HeldWorker.invocation(3, "0"));
            held.send(Frames.goodbye(0, ""));
            for (int id = 3; id >= 1; id--) {
                assertEquals(id, held.expect(Type.RESULT).id());
            }
            assertEquals(0, held.status());
        }
    }

    @Test
    void aQuickAnswerDoesNotWaitForASlowOne() {
        try (HeldWorker held = HeldWorker.ready("sleep", "1")) {
            held.send(HeldWorker.invocation(1, "0"));
            held.send(HeldWorker.invocation(2, "60000"));
            HeldWorker.Frame first = held.expect(Type.RESULT);
            assertEquals(1, first.id());
            assertEquals("main", first.text());
        }
    }

    @Test
    void whatIsCancelledBeforeItsTurnIsNotRun() {
        try (HeldWorker held = HeldWorker.ready("sleep", "1")) {
            held.send(HeldWorker.invocation(1, "300"), HeldWorker.invocation(2, "0"), Frames.bare(Type.CANCEL, 2),
                HeldWorker.invocation(3, "0"));
            assertEquals(2, held.expect(Type.FAILURE).id());
            assertEquals(1, held.expect(Type.RESULT).id());
            assertEquals(3, held.expect(Type.RESULT).id());
        }
    }

    @Test
    void pingIsAnsweredAndWhatIsNotOfTheProtocolEndsIt() {
        try (HeldWorker held = HeldWorker.ready("echo", "1")) {
            held.send(Frame.of(Type.PING, 3, new byte[] {'x'}));
            assertEquals("x", held.expect(Type.PONG).text());
            held.send(Frames.bare(Type.PUBLISH, 1));
            held.expectEnd();
            assertEquals(1, held.status());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    void callingAnotherFunction(String concurrency) {
        try (HeldWorker held = HeldWorker.ready("invoke", concurrency)) {
            held.send(HeldWorker.invocation(1, "[7]"));
            HeldWorker.Frame asked = held.expect(Type.REQUEST);
            assertTrue(asked.text().endsWith("$fescue/invoke/other[7]"), asked.text());
            held.send(Frame.of(Type.REPLY, asked.id(), new byte[] {'8'}));
            assertEquals("8", held.expect(Type.RESULT).text());
            held.send(HeldWorker.invocation(2, "[9]"));
            held.send(Frames.error(held.expect(Type.REQUEST).id(), Code.INTERNAL, Type.REQUEST, "", "it failed"));
            assertTrue(held.expect(Type.FAILURE).text().contains("FescueException$Remote"));
        }
    }
}
