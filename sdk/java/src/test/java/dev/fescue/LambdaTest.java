package dev.fescue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Functions that were written for AWS Lambda, with its own interfaces. */
@Timeout(120)
class LambdaTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "$Maps | {\"a\":1,\"b\":\"x\\u00e9\",\"c\":[1.5,true],\"d\":null,\"e\":5000000000} | "
            + "{\"a\":\"a 1 Integer\",\"b\":\"b x\u00e9 String\",\"c\":\"c [1.5, true] ArrayList\",\"d\":\"d null \",\"e\":\"e 5000000000 Long\"}",
        "$Texts | \"quoted \\\"so\\\"\" | quoted \"so\"!",
        "$Texts | plain | plain!",
        "$Sum | [1, 2, 39] | 42",
        "$Streams | abc | cba",
        "::proxy | {\"name\":\"tea\"} | {\"body\":\"tea for fn\",\"statusCode\":201}",
    })
    void handlers(String handler, String event, String answer) {
        try (HeldWorker held = HeldWorker.ready("dev.fescue.LambdaHandlers" + handler, "1", "FESCUE_APPLICATION", "fn")) {
            held.send(HeldWorker.invocation(1, event));
            String got = held.expect(Type.RESULT).text();
            assertEquals(json(answer), json(got));
        }
    }

    private static Object json(String text) {
        return text.startsWith("{") ? JsonParser.parseString(text) : text;
    }

    @Test
    void classesByTheirSettersAndGetters() {
        try (HeldWorker held = HeldWorker.ready("dev.fescue.LambdaHandlers$Orders", "1")) {
            held.send(HeldWorker.invocation(1, "{\"id\":\"7\",\"sizes\":[{\"width\":2,\"unit\":\"FOOT\"}],\"urgent\":true,\"seal\":\"AQI=\","
                + "\"stock\":{\"tea\":1},\"unknown\":{}}"));
            assertEquals(json("{\"id\":\"7 of foot\",\"sizes\":[{\"width\":2.0,\"unit\":\"FOOT\"}],\"urgent\":true,\"seal\":\"AQI=\",\"stock\":{\"tea\":2}}"),
                json(held.expect(Type.RESULT).text()));
            held.send(HeldWorker.invocation(2, "{\"sizes\":[{\"width\":\"wide\"}]}"));
            String failure = held.expect(Type.FAILURE).text();
            assertTrue(failure.contains("the event.sizes[0].width is a text, not a double"), failure);
            held.send(HeldWorker.invocation(3, "{oops"));
            assertTrue(held.expect(Type.FAILURE).text().contains("not JSON"));
        }
    }

    @Test
    void context() {
        try (HeldWorker held = HeldWorker.ready("dev.fescue.LambdaHandlers$About", "1", "FESCUE_APPLICATION", "fn", "FESCUE_VERSION", "1.2.3")) {
            held.send(HeldWorker.invocation(7, "{}"));
            HeldWorker.Frame log = held.expect(Type.LOG);
            assertEquals(LogLevel.INFO.ordinal(), log.id());
            assertEquals("plain", log.text());
            assertEquals(LogLevel.WARNING.ordinal(), held.expect(Type.LOG).id());
            assertEquals("[\"7\",\"fn\",\"1.2.3\",true,true,null,null,true,\"Fescue\"]", held.expect(Type.RESULT).text());
        }
    }

    @Test
    void whatCannotBeSent() {
        try (HeldWorker held = HeldWorker.ready("dev.fescue.LambdaHandlers::holdsItself", "1")) {
            held.send(HeldWorker.invocation(1, ""));
            assertTrue(held.expect(Type.FAILURE).text().contains("does it hold itself?"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[1,]", "{\"a\" 1}", "{a:1}", "01", "1.", "-", "+1", "1e", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\t\"", "nul", "1 2", "NaN"})
    void notJson(String text) {
        assertThrows(IllegalArgumentException.class, () -> Json.parse(text));
    }

    @Test
    void jsonThereAndBack() {
        String text = "{\"a\":[0,-1,1.5,1.0E30,123456789012345678901234567890,\"\\\"\\\\\u00e9\\u0001\",true,false,null,{},[]]}";
        StringBuilder out = new StringBuilder();
        Json.write(out, Json.parse(text));
        assertEquals(text, out.toString());
        assertEquals(List.of("\uD83D\uDE00", "/\b\f\n\r\t"), Json.parse(" [ \"\\ud83d\\ude00\" , \"\\/\\b\\f\\n\\r\\t\" ] "));
        String deep = "[".repeat(600) + "]".repeat(600);
        assertThrows(IllegalArgumentException.class, () -> Json.parse(deep));
        assertThrows(IllegalArgumentException.class, () -> Json.write(new StringBuilder(), Double.NaN));
    }
}
