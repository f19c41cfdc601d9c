package dev.fescue;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON (RFC 8259) as values: Map, List, String, Boolean, null, and numbers: Integer, Long or BigInteger without a fraction, Double
 * with one.
 */
final class Json {
    private static final int DEPTH = 512;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** The value that all of the text is. Throws IllegalArgumentException for what is no JSON, with the place. */
    static Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.blank();
        if (json.at < text.length()) {
            throw json.wrong("nothing more");
        }
        return value;
    }

    private IllegalArgumentException wrong(String expected) {
        String found = at < text.length() ? "'" + text.charAt(at) + "'" : "the end";
        return new IllegalArgumentException("not JSON: " + expected + " expected at character " + (at + 1) + ", not " + found);
    }

    private void blank() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    /** The next character that is no blank; 0 at the end. */
    private char next() {
        blank();
        return at < text.length() ? text.charAt(at) : 0;
    }

    private boolean takes(char c) {
        if (next() != c) {
            return false;
        }
        at++;
        return true;
    }

    private void take(char c) {
        if (!takes(c)) {
            throw wrong("'" + c + "'");
        }
    }

    private Object value(int depth) {
        if (depth > DEPTH) {
            throw wrong("less than " + DEPTH + " levels");
        }
        switch (next()) {
            case '{': return object(depth);
            case '[': return array(depth);
            case '"': return string();
            case 't': return word("true", Boolean.TRUE);
            case 'f': return word("false", Boolean.FALSE);
            case 'n': return word("null", null);
            default:
                if (at >= text.length() || "-0123456789".indexOf(text.charAt(at)) < 0) {
                    throw wrong("a value");
                }
                return number();
        }
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw wrong("a value");
        }
        at += word.length();
        return value;
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> map = new LinkedHashMap<>();
        take('{');
        if (takes('}')) {
            return map;
        }
        do {
            if (next() != '"') {
                throw wrong("a name in quotes");
            }
            String name = string();
            take(':');
            map.put(name, value(depth + 1));
        } while (takes(','));
        take('}');
        return map;
    }

    private List<Object> array(int depth) {
        List<Object> list = new ArrayList<>();
        take('[');
        if (takes(']')) {
            return list;
        }
        do {
            list.add(value(depth + 1));
        } while (takes(','));
        take(']');
        return list;
    }

    private String string() {
        StringBuilder out = new StringBuilder();
        for (at++; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '"') {
                at++;
                return out.toString();
            }
            if (c < ' ') {
                throw wrong("an escaped character");
            }
            out.append(c == '\\' ? escaped() : c);
        }
        throw wrong("'\"'");
    }

    private char escaped() {
        at++;
        char c = at < text.length() ? text.charAt(at) : 0;
        int known = "\"\\/bfnrt".indexOf(c);
        if (known >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(known);
        }
        if (c != 'u' || at + 4 >= text.length()) {
            throw wrong("an escape");
        }
        int code = 0;
        for (int i = 0; i < 4; i++) {
            int digit = Character.digit(text.charAt(++at), 16);
            if (digit < 0) {
                throw wrong("a hexadecimal digit");
            }
            code = code << 4 | digit;
        }
        return (char) code;
    }

    private Number number() {
        int from = at;
        takes('-');
        if (!(at < text.length() && text.charAt(at) == '0')) {
            digits();
        } else {
            at++;
        }
        boolean whole = true;
        if (at < text.length() && text.charAt(at) == '.') {
            whole = false;
            at++;
            digits();
        }
        if (at < text.length() && (text.charAt(at) | 0x20) == 'e') {
            whole = false;
            at++;
            if (at < text.length() && "+-".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            digits();
        }
        String number = text.substring(from, at);
        return whole ? integer(number) : (Number) Double.valueOf(number);
    }

    private void digits() {
        int from = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        if (at == from) {
            throw wrong("a digit");
        }
    }

    private static Number integer(String number) {
        if (number.length() > 18) {
            BigInteger big = new BigInteger(number);
            return big.bitLength() < Long.SIZE ? (Number) big.longValue() : big;
        }
        long n = Long.parseLong(number);
        return n == (int) n ? (Number) (int) n : n;
    }

    /** Writes values as above. Throws IllegalArgumentException for any others, and for numbers that JSON does not have. */
    static void write(StringBuilder out, Object value) {
        if (value instanceof String s) {
            quote(out, s);
        } else if (value instanceof Map<?, ?> map) {
            char before = '{';
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                quote(out.append(before), (String) entry.getKey());
                write(out.append(':'), entry.getValue());
                before = ',';
            }
            out.append(before == '{' ? "{}" : "}");
        } else if (value instanceof List<?> list) {
            char before = '[';
            for (Object item : list) {
                write(out.append(before), item);
                before = ',';
            }
            out.append(before == '[' ? "[]" : "]");
        } else if (value instanceof Double d && !Double.isFinite(d) || value instanceof Float f && !Float.isFinite(f)) {
            throw new IllegalArgumentException(value + " is not JSON");
        } else {
            out.append(value); // a number, true, false or null
        }
    }

    private static void quote(StringBuilder out, String s) {
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append("\\u00").append(Character.forDigit(c >> 4, 16)).append(Character.forDigit(c & 15, 16));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
