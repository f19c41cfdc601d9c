package dev.fescue;

/** How much a line of the log matters. */
public enum LogLevel {
    /** For who looks for a fault. */
    DEBUG,
    /** As it should be. */
    INFO,
    /** Worth a look. */
    WARNING,
    /** Something failed. */
    ERROR
}
