import dev.fescue.Context;
import dev.fescue.RequestHandler;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Requests for roots and their answers, as ../README.md says; the function's handler. */
public final class Answer implements RequestHandler<String, String> {
    /** Called for each event: what `fescue invoke` and the trigger call. */
    @Override
    public String handleRequest(String event, Context context) {
        return to(event);
    }

    /** The answer to a request; never an exception. */
    static String to(String request) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("id", null);
        try {
            Map<?, ?> asked = parsed(request);
            answer.put("id", identity(asked.get("id")));
            List<Object> roots = new ArrayList<>();
            for (Complex z : Roots.solve(numbers(asked.get("coefficients")))) {
                roots.add(List.of(z.re(), z.im()));
            }
            answer.put("roots", roots);
        } catch (IllegalArgumentException e) {
            answer.put("error", e.getMessage());
        }
        return Json.write(answer);
    }

    private static Map<?, ?> parsed(String request) {
        Object value;
        try {
            value = Json.read(request);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the request is not JSON");
        }
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new IllegalArgumentException("a request is an object: {\"id\": 1, \"coefficients\": [1, 0, -1]}");
    }

    /** The request's id, given back in its answer. */
    private static Object identity(Object value) {
        if (value == null || value instanceof String || value instanceof Double d && d == Math.rint(d) && Math.abs(d) < 1e15) {
            return value;
        }
        throw new IllegalArgumentException("id: it is a string or an integer");
    }

    private static List<Complex> numbers(Object value) {
        if (!(value instanceof List<?> list)) {
            throw new IllegalArgumentException("coefficients: a list of numbers is wanted, the one of the highest power first");
        }
        if (list.isEmpty()) {
            throw new IllegalArgumentException("coefficients: there are none");
        }
        List<Complex> numbers = new ArrayList<>();
        for (Object each : list) {
            numbers.add(number(each, "coefficients[" + numbers.size() + "]"));
        }
        return numbers;
    }

    /** One coefficient: a number, or [real, imaginary]. */
    private static Complex number(Object value, String where) {
        List<?> parts = value instanceof List<?> list && list.size() == 2 ? list : java.util.Arrays.asList(value, 0.0);
        for (Object part : parts) {
            if (!(part instanceof Double d)) {
                String shown = Json.write(value);
                throw new IllegalArgumentException(where + ": a number or [real, imaginary] is wanted, not " + shown.substring(0, Math.min(40, shown.length())));
            }
            if (!Double.isFinite(d)) {
                throw new IllegalArgumentException(where + ": " + d + " is not finite");
            }
        }
        return new Complex((Double) parts.get(0), (Double) parts.get(1));
    }
}
