package dev.fescue;

/** Exceptions of handlers, as they are told to the caller. */
final class Failures {
    private Failures() {}

    /** FAILURE: the exception's class, message, and stack trace without the frames below the handler. */
    static byte[] describe(long id, Throwable e) {
        StringBuilder stack = new StringBuilder();
        trace(stack, e, 0);
        String message = e.getMessage() == null ? "" : e.getMessage();
        return Frames.failure(id, e.getClass().getName(), message, stack.toString());
    }

    private static void trace(StringBuilder out, Throwable e, int depth) {
        out.append(e).append('\n');
        StackTraceElement[] frames = e.getStackTrace();
        int end = frames.length;
        for (int i = 0; i < frames.length; i++) {
            if (isOurs(frames[i].getClassName())) {
                end = i;
                break;
            }
        }
        while (end > 0 && isReflection(frames[end - 1].getClassName())) {
            end--;
        }
        for (int i = 0; i < end; i++) {
            out.append("\tat ").append(frames[i]).append('\n');
        }
        if (e.getCause() != null && depth < 8) {
            out.append("Caused by: ");
            trace(out, e.getCause(), depth + 1);
        }
    }

    private static boolean isOurs(String name) {
        return name.equals(Handler.class.getName()) || name.equals(Serving.class.getName());
    }

    private static boolean isReflection(String name) {
        return name.startsWith("jdk.internal.reflect.") || name.startsWith("java.lang.reflect.") || name.startsWith("java.lang.Class");
    }
}
