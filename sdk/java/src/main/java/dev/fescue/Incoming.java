package dev.fescue;

/** The bodies of frames that arrive, read; the fields are those of the specification. */
final class Incoming {
    private static final int KINDS = 4;

    private Incoming() {}

    record Welcome(int version, int capabilities, long maxBody, String application, String device) {}

    static Welcome welcome(Body b) {
        int version = b.u8();
        b.skip(1);
        Welcome w = new Welcome(version, b.u16(), b.u32(), b.str16(), b.str16());
        b.nothingMore();
        return w;
    }

    record Refusal(int code, int refused, String topic, String text) {
        FescueException exception() {
            boolean remote = refused == Type.REQUEST && code == Code.INTERNAL; // the responder's own error
            return remote ? new FescueException.Remote(text, topic, code) : FescueException.of(code, text, topic);
        }
    }

    static Refusal refusal(Body b) {
        int code = b.u16();
        int refused = b.u8();
        b.skip(1);
        Refusal r = new Refusal(code, refused, b.str16(), b.str16());
        b.nothingMore();
        return r;
    }

    record Goodbye(int code, String text) {}

    static Goodbye goodbye(Body b) {
        Goodbye g = new Goodbye(b.u16(), b.str16());
        b.nothingMore();
        return g;
    }

    /** The type of the frame that was granted. */
    static int granted(Body b) {
        int type = b.u8();
        b.nothingMore();
        return type;
    }

    /** Of MESSAGE; topic "" stands for the filter. */
    record Published(String topic, byte[] payload) {}

    static Published published(Body b) {
        return new Published(b.str16(), b.rest());
    }

    record Call(long subscription, long timeout, String topic, byte[] payload) {}

    static Call call(Body b) {
        return new Call(b.u32(), b.u32(), b.str16(), b.rest());
    }

    /** Attributes are names and values in turn. */
    record Invocation(long timeout, byte[][] attributes, byte[] payload) {}

    static Invocation invocation(Body b) {
        long timeout = b.u32();
        byte[][] attributes = new byte[2 * b.u8()][];
        for (int i = 0; i < attributes.length; i++) {
            attributes[i] = b.bytes(b.u16());
        }
        return new Invocation(timeout, attributes, b.rest());
    }

    record Delivered(long sequence, long time, int attempt, int flags, String topic, byte[] payload) {}

    static Delivered delivered(Body b) {
        return new Delivered(b.u64(), b.u64(), b.u16(), b.u16(), b.str16(), b.rest());
    }

    record Past(long sequence, long time, String topic, byte[] payload) {}

    static Past past(Body b) {
        return new Past(b.u64(), b.u64(), b.str16(), b.rest());
    }

    record Value(long revision, long time, byte[] value) {}

    static Value value(Body b) {
        return new Value(b.u64(), b.u64(), b.rest());
    }

    /** The new revision, of STORED. */
    static long stored(Body b) {
        long revision = b.u64();
        b.nothingMore();
        return revision;
    }

    record Changed(int kind, long revision, long time, String key, byte[] value) {}

    static Changed changed(Body b) {
        int kind = b.u8();
        if (kind >= KINDS) {
            throw new FescueException.Malformed("CHANGE of kind " + kind);
        }
        b.skip(3);
        return new Changed(kind, b.u64(), b.u64(), b.str16(), b.rest());
    }

    /** The bytes of MORE. */
    static long more(Body b) {
        long number = b.u32();
        b.nothingMore();
        return number;
    }

    /** The number of a CREDIT. */
    static long credit(long id, Body b) {
        if (id != 0) {
            throw new FescueException.Malformed("CREDIT with an id");
        }
        long number = b.u32();
        b.nothingMore();
        return number;
    }
}
