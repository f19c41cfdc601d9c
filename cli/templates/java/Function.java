import dev.fescue.Context;

public final class Function {
    /** Answers in capital letters. */
    public static String handle(String event, Context context) {
        System.out.println("called for " + context.topic());
        return event.toUpperCase();
    }
}
