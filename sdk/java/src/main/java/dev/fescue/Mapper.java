package dev.fescue;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Makes the values of {@link Json} those that a handler declares, and the other way round.
 *
 * <p>Known are Map with text as keys, List, Collection, Set and arrays of what is known, String, numbers, boolean, enums by
 * their names, byte[] in base64, records, and classes with a constructor without parameters, by their setters, getters and public
 * fields. Names that a class does not have are passed over, as AWS Lambda does.
 */
final class Mapper {
    private static final int DEPTH = 64;

    private Mapper() {}

    /** A value of a type. Throws IllegalArgumentException, which names the place, for what does not fit. */
    static Object read(Object json, Type type) {
        return read(json, type, "the event");
    }

    private static Object read(Object json, Type type, String place) {
        Class<?> wanted = raw(type);
        if (wanted == Object.class || json == null && !wanted.isPrimitive()) {
            return json;
        }
        if (json instanceof Map<?, ?> map && !wanted.isEnum()) {
            return Map.class.isAssignableFrom(wanted) || wanted.isAssignableFrom(LinkedHashMap.class)
                ? entries(map, argument(type, 1), place) : object(map, wanted, place);
        }
        if (json instanceof List<?> list) {
            return items(list, type, wanted, place);
        }
        Object simple = simple(json, wanted, place);
        if (simple == null) {
            throw new IllegalArgumentException(place + " is " + kind(json) + ", not a " + wanted.getSimpleName());
        }
        return simple;
    }

    private static String kind(Object json) {
        return json == null ? "null" : json instanceof Map ? "an object" : json instanceof List ? "a list"
            : json instanceof String ? "a text" : json instanceof Boolean ? "a boolean" : "a number";
    }

    private static Class<?> raw(Type type) {
        return type instanceof Class<?> c ? c : type instanceof ParameterizedType p ? (Class<?>) p.getRawType() : Object.class;
    }

    private static Type argument(Type type, int number) {
        return type instanceof ParameterizedType p && number < p.getActualTypeArguments().length ? p.getActualTypeArguments()[number] : Object.class;
    }

    private static Map<String, Object> entries(Map<?, ?> map, Type type, String place) {
        Map<String, Object> out = new LinkedHashMap<>();
        for (Map.Entry<?, ?> e : map.entrySet()) {
            out.put((String) e.getKey(), read(e.getValue(), type, place + "." + e.getKey()));
        }
        return out;
    }

    private static Object items(List<?> list, Type type, Class<?> wanted, String place) {
        Type item = wanted.isArray() ? wanted.getComponentType() : argument(type, 0);
        List<Object> out = new ArrayList<>(list.size());
        for (Object json : list) {
            out.add(read(json, item, place + "[" + out.size() + "]"));
        }
        if (wanted.isArray()) {
            Object array = Array.newInstance(wanted.getComponentType(), out.size());
            for (int i = 0; i < out.size(); i++) {
                Array.set(array, i, out.get(i));
            }
            return array;
        }
        if (wanted.isAssignableFrom(ArrayList.class)) {
            return out;
        }
        if (wanted.isAssignableFrom(LinkedHashSet.class)) {
            return new LinkedHashSet<>(out);
        }
        throw new IllegalArgumentException(place + " is a list, not a " + wanted.getSimpleName());
    }

    /** Null for what does not fit. */
    private static Object simple(Object json, Class<?> wanted, String place) {
        if (wanted == boolean.class || wanted == Boolean.class) {
            return json instanceof Boolean ? json : null;
        }
        if (wanted == String.class || wanted == CharSequence.class) {
            return json instanceof String || json instanceof Number || json instanceof Boolean ? json.toString() : null;
        }
        if (json instanceof String s) {
            return ofText(s, wanted);
        }
        if (!(json instanceof Number)) {
            return null;
        }
        try {
            return number(new BigDecimal(json.toString()), wanted);
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(place + " is " + json + ", which is no " + wanted.getSimpleName());
        }
    }

    private static Object ofText(String s, Class<?> wanted) {
        if (wanted == byte[].class) {
            return Base64.getDecoder().decode(s);
        }
        if (wanted == char.class || wanted == Character.class) {
            return s.length() == 1 ? s.charAt(0) : null;
        }
        if (wanted.isEnum()) {
            for (Object constant : wanted.getEnumConstants()) {
                if (((Enum<?>) constant).name().equals(s)) {
                    return constant;
                }
            }
        }
        return null;
    }

    private static Object number(BigDecimal n, Class<?> wanted) {
        if (wanted == int.class || wanted == Integer.class) {
            return n.intValueExact();
        }
        if (wanted == long.class || wanted == Long.class) {
            return n.longValueExact();
        }
        if (wanted == double.class || wanted == Double.class) {
            return n.doubleValue();
        }
        if (wanted == float.class || wanted == Float.class) {
            return n.floatValue();
        }
        if (wanted == short.class || wanted == Short.class) {
            return n.shortValueExact();
        }
        if (wanted == byte.class || wanted == Byte.class) {
            return n.byteValueExact();
        }
        if (wanted == BigInteger.class) {
            return n.toBigIntegerExact();
        }
        return wanted == BigDecimal.class || wanted == Number.class ? n : null;
    }

    private static Object object(Map<?, ?> map, Class<?> wanted, String place) {
        if (wanted.isInterface() || wanted.isArray() || wanted.isPrimitive() || wanted == String.class || Number.class.isAssignableFrom(wanted)) {
            throw new IllegalArgumentException(place + " is an object, not a " + wanted.getSimpleName());
        }
        try {
            return wanted.isRecord() ? record(map, wanted, place) : bean(map, wanted, place);
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException(place + ": " + e.getCause(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(place + ": " + wanted.getName() + " has no constructor without parameters", e);
        }
    }

    private static Object record(Map<?, ?> map, Class<?> wanted, String place) throws ReflectiveOperationException {
        RecordComponent[] components = wanted.getRecordComponents();
        Class<?>[] types = new Class<?>[components.length];
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            types[i] = components[i].getType();
            values[i] = read(map.get(components[i].getName()), components[i].getGenericType(), place + "." + components[i].getName());
        }
        var constructor = wanted.getDeclaredConstructor(types);
        constructor.setAccessible(true);
        return constructor.newInstance(values);
    }

    private static Object bean(Map<?, ?> map, Class<?> wanted, String place) throws ReflectiveOperationException {
        var constructor = wanted.getDeclaredConstructor();
        constructor.setAccessible(true);
        Object bean = constructor.newInstance();
        for (Method m : wanted.getMethods()) {
            String name = m.getParameterCount() == 1 ? property(m, "set") : null;
            if (name != null && map.containsKey(name)) {
                m.setAccessible(true);
                m.invoke(bean, read(map.get(name), m.getGenericParameterTypes()[0], place + "." + name));
            }
        }
        for (Field f : wanted.getFields()) {
            if (!Modifier.isStatic(f.getModifiers()) && map.containsKey(f.getName())) {
                f.setAccessible(true);
                f.set(bean, read(map.get(f.getName()), f.getGenericType(), place + "." + f.getName()));
            }
        }
        return bean;
    }

    /** The property that a method such as setName is of, or null. */
    private static String property(Method m, String prefix) {
        String name = m.getName();
        if (Modifier.isStatic(m.getModifiers()) || m.isBridge() || !name.startsWith(prefix) || name.length() == prefix.length()
            || m.getDeclaringClass() == Object.class) {
            return null;
        }
        return Character.toLowerCase(name.charAt(prefix.length())) + name.substring(prefix.length() + 1);
    }

    /** The value as {@link Json} has it. Throws IllegalArgumentException for what cannot be one. */
    static Object write(Object value) {
        return write(value, 0);
    }

    private static Object write(Object value, int depth) {
        if (depth > DEPTH) {
            throw new IllegalArgumentException("more than " + DEPTH + " levels; does it hold itself?");
        }
        if (value == null || value instanceof String || value instanceof Number || value instanceof Boolean) {
            return value;
        }
        if (value instanceof byte[] bytes) {
            return Base64.getEncoder().encodeToString(bytes);
        }
        if (value instanceof Enum<?> e) {
            return e.name();
        }
        if (value instanceof Character) {
            return value.toString();
        }
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> out = new LinkedHashMap<>();
            for (Map.Entry<?, ?> e : map.entrySet()) {
                out.put(String.valueOf(e.getKey()), write(e.getValue(), depth + 1));
            }
            return out;
        }
        if (value instanceof Collection<?> || value.getClass().isArray()) {
            return list(value, depth);
        }
        return properties(value, depth);
    }

    private static List<Object> list(Object value, int depth) {
        List<Object> out = new ArrayList<>();
        if (value instanceof Collection<?> items) {
            for (Object item : items) {
                out.add(write(item, depth + 1));
            }
            return out;
        }
        for (int i = 0; i < Array.getLength(value); i++) {
            out.add(write(Array.get(value, i), depth + 1));
        }
        return out;
    }

    private static Map<String, Object> properties(Object value, int depth) {
        Map<String, Object> out = new LinkedHashMap<>();
        Class<?> type = value.getClass();
        try {
            if (type.isRecord()) {
                for (RecordComponent c : type.getRecordComponents()) {
                    c.getAccessor().setAccessible(true);
                    out.put(c.getName(), write(c.getAccessor().invoke(value), depth + 1));
                }
                return out;
            }
            for (Method m : type.getMethods()) {
                String name = m.getParameterCount() > 0 || m.getReturnType() == void.class ? null : property(m, "get");
                if (name == null && m.getParameterCount() == 0 && m.getReturnType() == boolean.class) {
                    name = property(m, "is");
                }
                if (name != null) {
                    m.setAccessible(true);
                    out.put(name, write(m.invoke(value), depth + 1));
                }
            }
            for (Field f : type.getFields()) {
                if (!Modifier.isStatic(f.getModifiers())) {
                    f.setAccessible(true);
                    out.put(f.getName(), write(f.get(value), depth + 1));
                }
            }
        } catch (ReflectiveOperationException | RuntimeException e) {
            throw new IllegalArgumentException("a " + type.getName() + ": " + (e.getCause() == null ? e : e.getCause()), e);
        }
        if (out.isEmpty()) {
            throw new IllegalArgumentException("a " + type.getName());
        }
        return out;
    }
}
