package dev.fescue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Frames against the golden vectors that every SDK passes, and the reader against cut streams. */
class VectorsTest {
    private static final HexFormat HEX = HexFormat.of();
    /** The frames of the capability modules, which this side never states. */
    private static final Set<String> MODULES =
        Set.of("OFFER", "ACCEPT", "CHUNK", "PROGRESS", "COMMIT", "COMMITTED", "ABORT", "REMOVE", "LIST", "HELD");

    private static List<JsonObject> vectors(String direction, String outcome) throws IOException {
        String text = Files.readString(Broker.CONFORMANCE.resolve("vectors.json"));
        List<JsonObject> chosen = new ArrayList<>();
        for (JsonElement e : JsonParser.parseString(text).getAsJsonObject().getAsJsonArray("vectors")) {
            JsonObject v = e.getAsJsonObject();
            boolean modules = v.has("fields") && MODULES.contains(string(v.getAsJsonObject("fields"), "type"))
                || string(v, "name").equals("ok-of-a-removal");
            if (string(v, "direction").equals(direction) && v.has(outcome) && !modules) {
                chosen.add(v);
            }
        }
        assertFalse(chosen.isEmpty());
        return chosen;
    }

    private static String string(JsonObject o, String key) {
        return o.has(key) ? o.get(key).getAsString() : "";
    }

    private static byte[] bytes(JsonObject vector) {
        return HEX.parseHex(string(vector, "hex"));
    }

    @TestFactory
    Stream<DynamicTest> made() throws IOException {
        return vectors("client", "fields").stream().map(v -> DynamicTest.dynamicTest(string(v, "name"),
            () -> assertEquals(string(v, "hex"), HEX.formatHex(Fields.made(v.getAsJsonObject("fields"))))));
    }

    @TestFactory
    Stream<DynamicTest> read() throws IOException {
        return vectors("broker", "fields").stream().map(v -> DynamicTest.dynamicTest(string(v, "name"),
            () -> assertEquals(List.of(expected(v)), readAll(bytes(v), 1 << 20, new Random(1)))));
    }

    @TestFactory
    Stream<DynamicTest> refused() throws IOException {
        return vectors("broker", "error").stream().map(v -> DynamicTest.dynamicTest(string(v, "name"),
            () -> assertThrows(FescueException.Malformed.class, () -> readAll(bytes(v), 1 << 20, new Random(1)))));
    }

    @Test
    void extensionsAreSkipped() throws IOException {
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        for (JsonObject v : vectors("client", "skipped")) {
            stream.write(bytes(v));
        }
        stream.write(Frames.bare(Type.PONG, 7));
        assertEquals(1, readAll(stream.toByteArray(), 1 << 20, new Random(1)).size());
    }

    @RepeatedTest(20)
    void aStreamIsReadHoweverItIsCut(RepetitionInfo repetition) throws IOException {
        Random random = new Random(repetition.getCurrentRepetition());
        List<JsonObject> known = vectors("broker", "fields");
        List<JsonObject> wanted = new ArrayList<>();
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        for (int i = 0; i < 3000; i++) {
            JsonObject v = known.get(random.nextInt(known.size()));
            stream.write(bytes(v));
            wanted.add(expected(v));
        }
        int[] sizes = {1, 7, 100, 5000, 70_000};
        assertEquals(wanted, readAll(stream.toByteArray(), sizes[random.nextInt(sizes.length)], random));
    }

    @Test
    void largeFramesPass() {
        byte[] payload = new byte[1_000_000];
        new Random(1).nextBytes(payload);
        List<byte[]> got = new ArrayList<>();
        Reader reader = new Reader((type, id, body) -> got.add(body.rest()));
        feed(reader, Frame.of(Type.REPLY, 1, payload), 65536, null);
        feed(reader, Frames.bare(Type.PONG, 2), 65536, null);
        assertEquals(2, got.size());
        assertArrayEquals(payload, got.get(0));
        assertEquals(Reader.SIZE, reader.room().capacity());
    }

    @Test
    void topicsOfAWrongLengthAreRefused() {
        for (String topic : List.of("", "x".repeat(1025), "ü".repeat(513))) {
            assertThrows(FescueException.InvalidTopic.class, () -> Frames.checkTopic(topic));
        }
    }

    @Test
    void failuresAreCutToTheirFields() {
        byte[] frame = Frames.failure(1, "E".repeat(1000), "ü".repeat(100_000), "the begin" + "€".repeat(100_000));
        Body body = new Body();
        ByteBuffer buffer = ByteBuffer.wrap(frame).order(java.nio.ByteOrder.LITTLE_ENDIAN).position(8);
        body.set(buffer, frame.length - 8);
        assertEquals(256, body.str16().length());
        assertTrue(body.str16().matches("ü+"));
        String stack = new String(body.rest(), java.nio.charset.StandardCharsets.UTF_8);
        assertTrue(stack.matches("the begin€+"), "the stack trace is cut between characters");
    }

    private static JsonObject expected(JsonObject vector) {
        JsonObject fields = vector.getAsJsonObject("fields").deepCopy();
        fields.remove("codeName");
        return fields;
    }

    private static List<JsonObject> readAll(byte[] stream, int most, Random random) {
        List<JsonObject> found = new ArrayList<>();
        feed(new Reader((type, id, body) -> found.add(Fields.read(type, id, body))), stream, most, random);
        return found;
    }

    private static void feed(Reader reader, byte[] stream, int most, Random random) {
        for (int at = 0; at < stream.length;) {
            int n = random == null ? most : 1 + random.nextInt(most);
            n = Math.min(Math.min(n, stream.length - at), reader.room().remaining());
            assertTrue(n > 0, "the reader has no room");
            reader.room().put(stream, at, n);
            at += n;
            reader.take();
        }
    }
}
