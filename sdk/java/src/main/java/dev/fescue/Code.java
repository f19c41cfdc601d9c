package dev.fescue;

/** Codes of ERROR frames. */
final class Code {
    static final int MALFORMED = 1;
    static final int VERSION = 2;
    static final int UNAUTHENTICATED = 3;
    static final int DENIED = 4;
    static final int INVALID_TOPIC = 5;
    static final int TOO_LARGE = 6;
    static final int UNKNOWN_ID = 7;
    static final int LIMIT = 9;
    static final int NO_RESPONDER = 10;
    static final int TIMEOUT = 11;
    static final int OVERFLOW = 12;
    static final int UNSUPPORTED = 13;
    static final int GOING_AWAY = 14;
    static final int INTERNAL = 15;
    static final int NOT_FOUND = 16;
    static final int CONFLICT = 17;
    static final int QUOTA = 18;
    static final int NOT_KEPT = 20;

    private Code() {}
}
