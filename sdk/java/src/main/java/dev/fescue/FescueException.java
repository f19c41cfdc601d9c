package dev.fescue;

/**
 * Any error of this package: unchecked, as most are the configuration's fault and not to be mended where they
 * show. Its subclasses are nested in it, so that {@code catch (FescueException.Denied e)} tells them apart.
 */
public class FescueException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private static final String[] NAMES = {
        "", "malformed", "version", "unauthenticated", "denied", "invalid-topic", "too-large", "unknown-id", "id-in-use",
        "limit", "no-responder", "timeout", "overflow", "unsupported", "going-away", "internal", "not-found", "conflict",
        "quota", "storage", "not-kept",
    };

    private final String topic;
    private final String hint;
    private final int code;

    FescueException(String text, String topic, int code, String hint) {
        super(hint.isEmpty() ? text : text + " (" + hint + ")");
        this.topic = topic;
        this.code = code;
        this.hint = hint;
    }

    FescueException(String text, String hint) {
        this(text, "", 0, hint);
    }

    /** The topic or filter it is about, or "". */
    public String topic() {
        return topic;
    }

    /** A whole sentence of what to do, or "". */
    public String hint() {
        return hint;
    }

    /** The protocol's name of the error, such as "denied"; "" if it did not come from the broker. */
    public String code() {
        return code < NAMES.length ? NAMES[code] : "error-" + code;
    }

    int number() {
        return code;
    }

    /** There is no link to Data Xchange now. */
    public static final class ConnectionLost extends FescueException {
        private static final long serialVersionUID = 1;

        ConnectionLost(String text) {
            this(text, 0);
        }

        ConnectionLost(String text, int code) {
            super(text, "", code, "Data Xchange is part of the agent: is `fescue up` or `fescue agent` running?");
        }
    }

    /** The client was closed, by this program. */
    public static final class Closed extends FescueException {
        private static final long serialVersionUID = 1;

        Closed() {
            super("the client is closed", "");
        }
    }

    /** The thread was interrupted while it waited; its flag is set again. */
    public static final class Interrupted extends FescueException {
        private static final long serialVersionUID = 1;

        Interrupted() {
            super("interrupted while waiting", "");
        }
    }

    /** Something arrived that is not of the protocol; the link is given up. */
    public static final class Malformed extends FescueException {
        private static final long serialVersionUID = 1;

        Malformed(String text) {
            this(text, 0);
        }

        Malformed(String text, int code) {
            super(text, "", code, "");
        }
    }

    /** The broker speaks no protocol version that this package speaks. */
    public static final class VersionMismatch extends FescueException {
        private static final long serialVersionUID = 1;

        VersionMismatch(String text, int code) {
            super(text, "", code, "update the fescue package, or the agent");
        }
    }

    /** The broker does not know the token, or it is another application's. */
    public static final class Unauthenticated extends FescueException {
        private static final long serialVersionUID = 1;

        Unauthenticated(String text, int code) {
            super(text, "", code, "");
        }
    }

    /** The application may not use this topic. */
    public static final class Denied extends FescueException {
        private static final long serialVersionUID = 1;

        Denied(String text, String topic, int code) {
            super(text, topic, code, "name the topic in fescue.yaml under resources.publish or resources.subscribe, and deploy");
        }
    }

    /** The topic, filter, key or place breaks the rules. */
    public static final class InvalidTopic extends FescueException {
        private static final long serialVersionUID = 1;

        InvalidTopic(String text, String topic, int code) {
            super(text, topic, code, "levels are parted by '/'; '+' and '#' stand alone in a level, '#' last, and only in filters");
        }
    }

    /** A message over the largest size that the broker accepts. */
    public static final class TooLarge extends FescueException {
        private static final long serialVersionUID = 1;

        TooLarge(String text, String topic, int code) {
            super(text, topic, code, "send large data in parts, or by a file in FESCUE_DATA");
        }
    }

    /** Too many topics, subscriptions, requests or sessions. */
    public static final class LimitExceeded extends FescueException {
        private static final long serialVersionUID = 1;

        LimitExceeded(String text, String topic, int code) {
            super(text, topic, code, "");
        }
    }

    /** Nobody answers requests on the topic. */
    public static final class NoResponder extends FescueException {
        private static final long serialVersionUID = 1;

        NoResponder(String text, String topic, int code) {
            super(text, topic, code, "is the application that answers it running?");
        }
    }

    /** No answer came in time. */
    public static final class Timeout extends FescueException {
        private static final long serialVersionUID = 1;

        Timeout(String text, String topic, int code) {
            super(text, topic, code, "");
        }
    }

    /** Messages for a subscription were dropped, because it did not keep up. */
    public static final class Overflow extends FescueException {
        private static final long serialVersionUID = 1;

        Overflow(String text, String topic, int code) {
            super(text, topic, code, "subscribe with a longer queue, or with policy BLOCK");
        }
    }

    /** The responder of a request failed. */
    public static final class Remote extends FescueException {
        private static final long serialVersionUID = 1;

        Remote(String text, String topic, int code) {
            super(text, topic, code, "");
        }
    }

    /** The key's revision is another one, or the place has another filter. */
    public static final class Conflict extends FescueException {
        private static final long serialVersionUID = 1;

        Conflict(String text, String topic, int code) {
            super(text, topic, code, "");
        }
    }

    /** The application's store, or the kept topic, is full. */
    public static final class Quota extends FescueException {
        private static final long serialVersionUID = 1;

        Quota(String text, String topic, int code) {
            super(text, topic, code, "raise limits.state or the kept topic's size in fescue.yaml, or delete what is no longer needed");
        }
    }

    /** Nobody keeps the topic, so nothing of it is stored. */
    public static final class NotKept extends FescueException {
        private static final long serialVersionUID = 1;

        NotKept(String text, String topic, int code) {
            super(text, topic, code, "name the topic in fescue.yaml under resources.keep, and deploy");
        }
    }

    /** The exception for an ERROR frame. */
    static FescueException of(int code, String words, String topic) {
        String text = words.isEmpty() ? "error " + code : words;
        switch (code) {
            case Code.MALFORMED:
                return new Malformed(text, code);
            case Code.VERSION:
                return new VersionMismatch(text, code);
            case Code.UNAUTHENTICATED:
                return new Unauthenticated(text, code);
            case Code.GOING_AWAY:
                return new ConnectionLost(text, code);
            default:
                return aboutTopic(code, text, topic);
        }
    }

    private static FescueException aboutTopic(int code, String text, String topic) {
        switch (code) {
            case Code.DENIED:
                return new Denied(text, topic, code);
            case Code.INVALID_TOPIC:
                return new InvalidTopic(text, topic, code);
            case Code.TOO_LARGE:
                return new TooLarge(text, topic, code);
            case Code.LIMIT:
                return new LimitExceeded(text, topic, code);
            case Code.NO_RESPONDER:
                return new NoResponder(text, topic, code);
            case Code.TIMEOUT:
                return new Timeout(text, topic, code);
            case Code.OVERFLOW:
                return new Overflow(text, topic, code);
            case Code.CONFLICT:
                return new Conflict(text, topic, code);
            case Code.QUOTA:
                return new Quota(text, topic, code);
            case Code.NOT_KEPT:
                return new NotKept(text, topic, code);
            default:
                return new FescueException(text, topic, code, "");
        }
    }
}
