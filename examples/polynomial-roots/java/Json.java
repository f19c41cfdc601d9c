import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON, read into Map, List, String, Double, Boolean and null, and written. Java has none of its own; a larger
 * program takes a library.
 */
final class Json {
    private static final int DEPTH = 100;

    private final String text;
    private int at;
    private int depth;

    private Json(String text) {
        this.text = text;
    }

    /** Reads a value; IllegalArgumentException if the text is none. */
    static Object read(String text) {
        Json json = new Json(text);
        Object value = json.value();
        json.blank();
        if (json.at != text.length()) {
            throw json.wrong();
        }
        return value;
    }

    private IllegalArgumentException wrong() {
        return new IllegalArgumentException("not JSON at character " + at);
    }

    private void blank() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private boolean next(char wanted) {
        blank();
        boolean there = at < text.length() && text.charAt(at) == wanted;
        at += there ? 1 : 0;
        return there;
    }

    private Object value() {
        if (++depth > DEPTH) {
            throw wrong();
        }
        Object value;
        if (next('{')) {
            value = object();
        } else if (next('[')) {
            value = array();
        } else if (next('"')) {
            value = string();
        } else {
            value = word();
        }
        depth--;
        return value;
    }

    private Map<String, Object> object() {
        Map<String, Object> map = new LinkedHashMap<>();
        if (next('}')) {
            return map;
        }
        do {
            if (!next('"')) {
                throw wrong();
            }
            String key = string();
            if (!next(':')) {
                throw wrong();
            }
            map.put(key, value());
        } while (next(','));
        if (!next('}')) {
            throw wrong();
        }
        return map;
    }

    private List<Object> array() {
        List<Object> list = new ArrayList<>();
        if (next(']')) {
            return list;
        }
        do {
            list.add(value());
        } while (next(','));
        if (!next(']')) {
            throw wrong();
        }
        return list;
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        while (at < text.length() && text.charAt(at) >= ' ') {
            char c = text.charAt(at++);
            if (c == '"') {
                return out.toString();
            }
            out.append(c == '\\' ? escaped() : c);
        }
        throw wrong();
    }

    private char escaped() {
        int which = at < text.length() ? "\"\\/bfnrtu".indexOf(text.charAt(at++)) : -1;
        if (which < 0 || which == 8 && at + 4 > text.length()) {
            throw wrong();
        }
        if (which < 8) {
            return "\"\\/\b\f\n\r\t".charAt(which);
        }
        at += 4;
        return (char) Integer.parseInt(text, at - 4, at, 16);
    }

    private Object word() {
        int begin = at;
        while (at < text.length() && "+-.".indexOf(text.charAt(at)) >= 0 || at < text.length() && Character.isLetterOrDigit(text.charAt(at))) {
            at++;
        }
        String word = text.substring(begin, at);
        switch (word) {
            case "null":
                return null;
            case "true", "false":
                return word.equals("true");
            default:
                if (!word.matches("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?")) {
                    throw wrong();
                }
                return Double.valueOf(word);
        }
    }

    /** Writes what read gives. */
    static String write(Object value) {
        if (value instanceof Map<?, ?> map) {
            List<String> parts = new ArrayList<>();
            map.forEach((k, v) -> parts.add(quoted((String) k) + ": " + write(v)));
            return "{" + String.join(", ", parts) + "}";
        }
        if (value instanceof List<?> list) {
            return "[" + String.join(", ", list.stream().map(Json::write).toList()) + "]";
        }
        if (value instanceof String s) {
            return quoted(s);
        }
        if (value instanceof Double d && d == Math.rint(d) && Math.abs(d) < 1e15) {
            return String.valueOf(d.longValue());
        }
        return String.valueOf(value);
    }

    private static String quoted(String s) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
