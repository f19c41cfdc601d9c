package dev.fescue;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.lang.reflect.Field;
import java.lang.reflect.RecordComponent;
import java.util.HexFormat;

/** Vectors' fields: the frame that is made of them, and those that are read from a frame. */
final class Fields {
    private static final HexFormat HEX = HexFormat.of();

    private Fields() {}

    static byte[] made(JsonObject f) {
        long id = number(f, "id");
        byte[] payload = HEX.parseHex(text(f, "payload"));
        switch (text(f, "type")) {
            case "HELLO":
                return Frames.hello(text(f, "token"), text(f, "client"), (int) number(f, "capabilities"), number(f, "maxBody"),
                    (int) number(f, "lowest"), (int) number(f, "highest"));
            case "ERROR":
                return Frames.error(id, (int) number(f, "code"), (int) number(f, "refused"), text(f, "topic"), text(f, "text"));
            case "GOODBYE":
                return Frames.goodbye((int) number(f, "code"), text(f, "text"));
            case "SUBSCRIBE":
                return Frames.subscribe(id, text(f, "filter"), (int) number(f, "policy"), (int) number(f, "flags"), (int) number(f, "queue"));
            case "PUBLISHTO":
                return Frames.publishTo(id, text(f, "topic"), payload);
            case "REQUEST":
                return Frames.request(id, number(f, "timeout"), text(f, "topic"), payload);
            case "FAILURE":
                return Frames.failure(id, text(f, "errorType"), text(f, "message"), text(f, "stack"));
            case "PART":
                return Frames.part(id, number(f, "flags") == 1, payload, 0, payload.length);
            case "LOG":
                return Frames.log(LogLevel.values()[(int) id], text(f, "text"));
            case "REGISTER":
                return Frames.text(Type.REGISTER, id, text(f, "topic"));
            case "FORGET":
                return Frames.text(Type.FORGET, id, text(f, "place"));
            case "GET":
                return Frames.text(Type.GET, id, text(f, "key"));
            default:
                return kept(f, id, payload);
        }
    }

    private static byte[] kept(JsonObject f, long id, byte[] payload) {
        long revision = number(f, "condition") == 0 ? -1 : number(f, "revision");
        switch (text(f, "type")) {
            case "CONSUME":
                return Frames.consume(id, text(f, "place"), text(f, "filter"), options(f));
            case "STORE":
                return Frames.store(id, text(f, "messageId"), text(f, "topic"), payload);
            case "ACK":
                return Frames.ack(id, number(f, "sequence"), (int) number(f, "verdict"), number(f, "delay"));
            case "HISTORY":
                return Frames.history(id, text(f, "filter"), number(f, "flags") == 1, number(f, "limit"), number(f, "from"), number(f, "until"));
            case "CREDIT":
                return Frames.credit(id, number(f, "number"));
            case "PUT":
                return Frames.put(id, text(f, "key"), HEX.parseHex(text(f, "value")), number(f, "ttl"), revision);
            case "DELETE":
                return Frames.delete(id, text(f, "key"), revision);
            case "WATCH":
                return Frames.watch(id, text(f, "filter"), (int) number(f, "flags"));
            default:
                return Frame.of(type(text(f, "type")), id, payload);
        }
    }

    private static ConsumeOptions options(JsonObject f) {
        ConsumeOptions o = new ConsumeOptions().deadLetter(text(f, "deadLetter"));
        o.start = (int) number(f, "start");
        o.from = number(f, "from");
        o.window = (int) number(f, "window");
        o.patience = number(f, "patience");
        o.attempts = (int) number(f, "attempts");
        return o;
    }

    private static int type(String name) {
        try {
            return Type.class.getDeclaredField(name).getInt(null);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError("no type " + name, e);
        }
    }

    private static String name(int type) {
        try {
            for (Field f : Type.class.getDeclaredFields()) {
                if (f.getInt(null) == type) {
                    return f.getName();
                }
            }
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("no name of " + type);
    }

    static JsonObject read(int type, long id, Body b) {
        JsonObject f = new JsonObject();
        f.addProperty("type", name(type));
        f.addProperty("id", id);
        switch (type) {
            case Type.OK -> f.addProperty("granted", Incoming.granted(b));
            case Type.STORED -> f.addProperty("revision", Incoming.stored(b));
            case Type.MORE -> f.addProperty("number", Incoming.more(b));
            case Type.CREDIT -> f.addProperty("number", Incoming.credit(id, b));
            case Type.CANCEL -> b.nothingMore();
            case Type.PING, Type.PONG, Type.REPLY -> f.addProperty("payload", HEX.formatHex(b.rest()));
            default -> add(f, structured(type, b));
        }
        return f;
    }

    private static Record structured(int type, Body b) {
        return switch (type) {
            case Type.WELCOME -> Incoming.welcome(b);
            case Type.ERROR -> Incoming.refusal(b);
            case Type.GOODBYE -> Incoming.goodbye(b);
            case Type.MESSAGE -> Incoming.published(b);
            case Type.CALL -> Incoming.call(b);
            case Type.INVOKE -> Incoming.invocation(b);
            case Type.DELIVERY -> Incoming.delivered(b);
            case Type.PAST -> Incoming.past(b);
            case Type.VALUE -> Incoming.value(b);
            case Type.CHANGE -> Incoming.changed(b);
            default -> throw new AssertionError("type " + type);
        };
    }

    private static void add(JsonObject f, Record read) {
        try {
            for (RecordComponent c : read.getClass().getRecordComponents()) {
                c.getAccessor().setAccessible(true);
                add(f, c.getName(), c.getAccessor().invoke(read));
            }
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private static void add(JsonObject f, String name, Object value) {
        if (value instanceof byte[] bytes) {
            f.addProperty(name, HEX.formatHex(bytes));
        } else if (value instanceof byte[][] pairs) {
            f.add(name, pairs.length == 0 ? JsonNull.INSTANCE : attributes(pairs));
        } else if (value instanceof Number n) {
            f.addProperty(name, n);
        } else {
            f.addProperty(name, (String) value);
        }
    }

    private static JsonArray attributes(byte[][] flat) {
        JsonArray all = new JsonArray();
        for (int i = 0; i < flat.length; i += 2) {
            JsonArray pair = new JsonArray();
            pair.add(new String(flat[i], java.nio.charset.StandardCharsets.UTF_8));
            pair.add(new String(flat[i + 1], java.nio.charset.StandardCharsets.UTF_8));
            all.add(pair);
        }
        return all;
    }

    private static String text(JsonObject f, String key) {
        return f.has(key) ? f.get(key).getAsString() : "";
    }

    private static long number(JsonObject f, String key) {
        return f.has(key) ? f.get(key).getAsLong() : 0;
    }
}
