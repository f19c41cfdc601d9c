package dev.fescue;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What contexts of functions can do with state, kept topics and requests, on the real broker, in the main thread and in others. */
@Timeout(120)
class ContextTest {
    private Broker broker;

    @BeforeEach
    void startBroker() {
        broker = new Broker();
        broker.grantKeeping("fn", "t/kept/#", List.of("t/#"), List.of("t/#", "req/#"));
    }

    @AfterEach
    void stopBroker() throws Exception {
        broker.close();
    }

    private void start(String handler, int concurrency) {
        String variable = "FESCUE_CONCURRENCY=" + concurrency;
        assertEquals("{}", broker.worker("fn", "dev.fescue.ContextHandlers::" + handler, variable).toString());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void state(int concurrency) {
        start("state", concurrency);
        assertEquals("none one true Conflict n [n, rooms/a] [] false", broker.invoke("fn", "one"));
        assertEquals("one two true Conflict n [n, rooms/a] [] false", broker.invoke("fn", "two"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void keptTopics(int concurrency) {
        start("kept", concurrency);
        assertEquals("n0,n1,n2 n2 t/kept/a 0 NotKept t/loose", broker.invoke("fn", "a"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void requests(int concurrency) {
        ClientOptions options = new ClientOptions().address(broker.address).token(Broker.TOKEN);
        try (Client client = Client.connect(options)) {
            client.respond("req/twice", call -> (call.text() + call.text()).getBytes());
            start("request", concurrency);
            assertEquals("abab NoResponder req/nobody", broker.invoke("fn", "ab"));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void denialsAreTheHandlers(int concurrency) {
        start("denied", concurrency);
        assertEquals("Denied secret/x, Denied secret/x", broker.invoke("fn", "1"));
    }
}
