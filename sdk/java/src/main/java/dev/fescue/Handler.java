package dev.fescue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;

/**
 * A function's handler, found by its name: {@code com.acme.Roots}, a class with a method {@code handleRequest}
 * such as {@link RequestHandler}'s, or {@code com.acme.Roots::solve}, any public method.
 */
final class Handler {
    private final Object target; // null for a static method
    private final Method method;
    private final boolean text; // the event is a String
    private final boolean withContext;

    private Handler(Object target, Method method) {
        this.target = target;
        this.method = method;
        this.text = method.getParameterTypes()[0] == String.class;
        this.withContext = method.getParameterCount() == 2;
    }

    /** FESCUE_HANDLER does not name a handler. */
    static final class NotFound extends Exception {
        private static final long serialVersionUID = 1;

        NotFound(String text) {
            super(text);
        }
    }

    static Handler load(String name) throws Throwable {
        int colons = name.indexOf("::");
        String className = colons < 0 ? name : name.substring(0, colons);
        String methodName = colons < 0 ? "handleRequest" : name.substring(colons + 2);
        if (className.isEmpty() || methodName.isEmpty()) {
            throw new NotFound("handler \"" + name + "\" is not of the form package.Class or package.Class::method");
        }
        Class<?> type;
        try {
            type = Class.forName(className, true, ClassLoader.getSystemClassLoader());
        } catch (ClassNotFoundException e) {
            throw new NotFound("there is no class " + className + " in " + System.getProperty("java.class.path"));
        }
        Method method = find(type, methodName);
        method.setAccessible(true); // the class itself need not be public
        return new Handler(Modifier.isStatic(method.getModifiers()) ? null : instance(type), method);
    }

    private static Method find(Class<?> type, String name) throws NotFound {
        Method found = null;
        for (Method m : type.getMethods()) {
            // The compiler adds a bridge (Object, Context) to what implements the interface.
            if (m.getName().equals(name) && !m.isBridge() && suits(m.getParameterTypes())) {
                if (found != null) {
                    throw new NotFound(type.getName() + " has several methods " + name + " that could handle an event");
                }
                found = m;
            }
        }
        if (found == null) {
            throw new NotFound(type.getName() + " has no public method " + name + "(byte[] or String, Context)");
        }
        return found;
    }

    private static boolean suits(Class<?>[] parameters) {
        return (parameters.length == 1 || parameters.length == 2 && parameters[1] == Context.class)
            && (parameters[0] == byte[].class || parameters[0] == String.class);
    }

    private static Object instance(Class<?> type) throws Throwable {
        try {
            var constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException e) {
            throw new NotFound(type.getName() + " has no constructor without parameters");
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** The answer's bytes. Throws what the handler throws, and ClassCastException for an answer that cannot be sent. */
    byte[] call(Context context) throws Throwable {
        Object event = text ? new String(context.payload(), StandardCharsets.UTF_8) : context.payload();
        Object result;
        try {
            result = withContext ? method.invoke(target, event, context) : method.invoke(target, event);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
        return encoded(result);
    }

    private static byte[] encoded(Object result) {
        if (result == null) {
            return new byte[0];
        }
        if (result instanceof byte[] bytes) {
            return bytes;
        }
        if (result instanceof String s) {
            return s.getBytes(StandardCharsets.UTF_8);
        }
        throw new ClassCastException("what the handler returned cannot be sent: a " + result.getClass().getName() + "; return byte[], String or null");
    }
}
