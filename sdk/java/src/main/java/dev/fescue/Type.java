package dev.fescue;

/** Types of frames (sdk/protocol.md). */
final class Type {
    static final int HELLO = 0x01;
    static final int WELCOME = 0x02;
    static final int ERROR = 0x03;
    static final int PING = 0x04;
    static final int PONG = 0x05;
    static final int GOODBYE = 0x06;
    static final int OK = 0x07;
    static final int REGISTER = 0x10;
    static final int UNREGISTER = 0x11;
    static final int SUBSCRIBE = 0x12;
    static final int UNSUBSCRIBE = 0x13;
    static final int CONSUME = 0x14;
    static final int FORGET = 0x15;
    static final int PUBLISH = 0x20;
    static final int PUBLISHTO = 0x21;
    static final int MESSAGE = 0x22;
    static final int REQUEST = 0x23;
    static final int CALL = 0x24;
    static final int REPLY = 0x25;
    static final int STORE = 0x26;
    static final int DELIVERY = 0x27;
    static final int ACK = 0x28;
    static final int HISTORY = 0x29;
    static final int PAST = 0x2a;
    static final int READY = 0x30;
    static final int INVOKE = 0x31;
    static final int RESULT = 0x32;
    static final int FAILURE = 0x33;
    static final int CANCEL = 0x34;
    static final int PART = 0x35;
    static final int MORE = 0x36;
    static final int LOG = 0x40;
    static final int GET = 0x48;
    static final int PUT = 0x49;
    static final int DELETE = 0x4a;
    static final int WATCH = 0x4b;
    static final int UNWATCH = 0x4c;
    static final int VALUE = 0x4d;
    static final int STORED = 0x4e;
    static final int CHANGE = 0x4f;
    static final int CREDIT = 0x60;
    /** From here on types are optional extensions. */
    static final int EXTENSION = 0x80;

    private Type() {}

    /** The shortest body of a frame that a broker sends; -1 for a type that it may not send. */
    static int leastFromBroker(int type) {
        switch (type) {
            case PING, PONG, REPLY, CANCEL:
                return 0;
            case OK:
                return 1;
            case MESSAGE:
                return 2;
            case GOODBYE, MORE, CREDIT:
                return 4;
            case INVOKE:
                return 5;
            case ERROR, STORED:
                return 8;
            case CALL:
                return 10;
            case WELCOME:
                return 12;
            case VALUE:
                return 16;
            case PAST:
                return 18;
            case DELIVERY, CHANGE:
                return 22;
            default:
                return -1;
        }
    }
}
