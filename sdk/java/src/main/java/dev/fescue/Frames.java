package dev.fescue;

import java.nio.charset.StandardCharsets;

/** The frames that this side sends. */
final class Frames {
    static final int VERSION = 1;
    static final int MAX_LENGTH = 0xffffff;
    static final int MAX_ID = 0xffff;

    // Capabilities.
    static final int REQUESTS = 1;
    static final int FUNCTIONS = 2;
    static final int LOGS = 4;
    static final int STATE = 8;
    static final int DURABLE = 16;
    static final int HISTORY = 32;
    static final int CREDIT = 64;
    static final int QUEUES = 256;
    static final int PARTS = 512;

    // Of results in parts: most data of a PART, and how much may be sent before MORE.
    static final int MAX_PART = 65536;
    static final int WINDOW = 262144;

    // Flags of SUBSCRIBE.
    static final int ANSWERS = 1;
    static final int NOT_OWN = 2;
    static final int BY_CREDIT = 4;

    // Flags of WATCH.
    static final int WITH_PRESENT = 1;
    static final int ONLY_PRESENT = 2;
    static final int KEYS_ONLY = 4;
    static final int LISTING = WITH_PRESENT | ONLY_PRESENT | KEYS_ONLY; // the keys there are, then the end

    private Frames() {}

    /** HELLO; maxBody is the largest body that this side accepts. */
    static byte[] hello(String token, String name, int capabilities, long maxBody, int lowest, int highest) {
        return Frame.of(Type.HELLO, 0).u8(lowest).u8(highest).u16(capabilities).u32(maxBody).str16(token).str16(name).done();
    }

    static byte[] hello(String token, String name, int capabilities) {
        return hello(token, name, capabilities, MAX_LENGTH, VERSION, VERSION);
    }

    /** ERROR about a frame of the type refused. */
    static byte[] error(long id, int code, int refused, String topic, String text) {
        return Frame.of(Type.ERROR, id).u16(code).u8(refused).u8(0).str16(topic).str16(text).done();
    }

    static byte[] goodbye(int code, String text) {
        return Frame.of(Type.GOODBYE, 0).u16(code).str16(text).done();
    }

    /** A frame without a body. */
    static byte[] bare(int type, long id) {
        return Frame.of(type, id).done();
    }

    /** A frame whose body is a text. */
    static byte[] text(int type, long id, String text) {
        return Frame.of(type, id).text(text).done();
    }

    /** SUBSCRIBE; queue is in messages, 0 for the broker's default. */
    static byte[] subscribe(long id, String filter, int policy, int flags, int queue) {
        return Frame.of(Type.SUBSCRIBE, id).u8(policy).u8(flags).u16(queue).text(filter).done();
    }

    /** PUBLISHTO; with a receipt other than 0 it is answered. */
    static byte[] publishTo(long receipt, String topic, byte[] payload) {
        return Frame.of(Type.PUBLISHTO, receipt).str16(topic).bytes(payload).done();
    }

    static byte[] request(long id, long timeout, String topic, byte[] payload) {
        return Frame.of(Type.REQUEST, id).u32(timeout).str16(topic).bytes(payload).done();
    }

    /** FAILURE; each text is cut to what its field holds. */
    static byte[] failure(long id, String type, String message, String stack) {
        return Frame.of(Type.FAILURE, id)
            .str16(utf8(type), 256)
            .str16(utf8(message), 0x4000)
            .bytes(Frame.first(utf8(stack), 0x8000))
            .done();
    }

    /** PART: a piece of a result. */
    static byte[] part(long id, boolean head, byte[] data, int from, int length) {
        return Frame.of(Type.PART, id).u8(head ? 1 : 0).bytes(java.util.Arrays.copyOfRange(data, from, from + length)).done();
    }

    static byte[] log(LogLevel level, String text) {
        return Frame.of(Type.LOG, level.ordinal()).bytes(Frame.first(utf8(text), 0x8000)).done();
    }

    static byte[] consume(long id, String place, String filter, ConsumeOptions o) {
        return Frame.of(Type.CONSUME, id)
            .u8(o.start).u8(0).u16(o.window).u32(o.patience).u16(o.attempts).u16(0).u64(o.from)
            .str16(place).str16(o.deadLetter).text(filter)
            .done();
    }

    static byte[] store(long id, String messageId, String topic, byte[] payload) {
        return Frame.of(Type.STORE, id).str16(messageId).str16(topic).bytes(payload).done();
    }

    /** ACK; delay in ms. */
    static byte[] ack(long id, long sequence, int verdict, long delay) {
        return Frame.of(Type.ACK, id).u64(sequence).u8(verdict).u8(0).u16(0).u32(delay).done();
    }

    /** HISTORY; times in ms, 0 is no bound. */
    static byte[] history(long id, String filter, boolean newest, long limit, long from, long until) {
        return Frame.of(Type.HISTORY, id).u8(newest ? 1 : 0).u8(0).u16(0).u32(limit).u64(from).u64(until).text(filter).done();
    }

    static byte[] credit(long id, long number) {
        return Frame.of(Type.CREDIT, id).u32(number).done();
    }

    /** PUT; ttl in seconds, 0 for good; a revision below 0 is no condition. */
    static byte[] put(long id, String key, byte[] value, long ttl, long revision) {
        return conditional(Type.PUT, id, revision, ttl).str16(key).bytes(value).done();
    }

    /** DELETE; a revision below 0 is no condition. */
    static byte[] delete(long id, String key, long revision) {
        return conditional(Type.DELETE, id, revision, -1).text(key).done();
    }

    private static Frame conditional(int type, long id, long revision, long ttl) {
        Frame frame = Frame.of(type, id).u8(revision < 0 ? 0 : 1).u8(0).u16(0);
        if (ttl >= 0) {
            frame.u32(ttl);
        }
        return frame.u64(Math.max(revision, 0));
    }

    static byte[] watch(long id, String filter, int flags) {
        return Frame.of(Type.WATCH, id).u8(flags).text(filter).done();
    }

    /** Refuses a topic or filter whose number of bytes is not allowed; the rest the broker checks. */
    static void checkTopic(String topic) {
        int length = utf8(topic).length;
        if (length < 1 || length > 1024) {
            String shown = topic.length() > 80 ? topic.substring(0, 80) : topic;
            throw new FescueException.InvalidTopic("a topic of " + length + " bytes; it has 1 to 1024", shown, Code.INVALID_TOPIC);
        }
    }

    /** Refuses a body that the broker would not accept. */
    static void checkSize(String topic, long body, long payload, long maxBody) {
        if (body > maxBody) {
            String text = payload + " bytes on " + topic + "; the broker accepts " + maxBody;
            throw new FescueException.TooLarge(text, topic, Code.TOO_LARGE);
        }
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
