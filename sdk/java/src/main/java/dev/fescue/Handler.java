package dev.fescue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;

/**
 * A function's handler, found by its name: {@code com.acme.Roots}, a class with a method {@code handleRequest}
 * such as {@link RequestHandler}'s, or {@code com.acme.Roots::solve}, any public method. Its context may be AWS Lambda's, see {@link Lambda}.
 */
final class Handler {
    private final Object target; // null for a static method
    private final Method method;
    private final Class<?> contextType; // null: it takes none
    private final boolean streams; // it is given an InputStream and an OutputStream

    private Handler(Object target, Method method) {
        Class<?>[] parameters = method.getParameterTypes();
        this.target = target;
        this.method = method;
        this.streams = Lambda.isStream(parameters);
        int events = streams ? 2 : 1;
        this.contextType = parameters.length > events ? parameters[events] : null;
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
        boolean several = false;
        for (Method m : type.getMethods()) {
            // The compiler adds a bridge (Object, Context) to what implements the interface.
            if (m.getName().equals(name) && !m.isBridge() && suits(m.getParameterTypes())) {
                int more = found == null ? 1 : m.getParameterCount() - found.getParameterCount(); // the one with a context is meant
                several = more == 0 || several && more < 0;
                found = more > 0 ? m : found;
            }
        }
        if (several) {
            throw new NotFound(type.getName() + " has several methods " + name + " that could handle an event");
        }
        if (found == null) {
            throw new NotFound(type.getName() + " has no public method " + name + "(event, Context)");
        }
        return found;
    }

    private static boolean suits(Class<?>[] parameters) {
        int events = Lambda.isStream(parameters) ? 2 : 1;
        return parameters.length == events
            || parameters.length == events + 1 && (parameters[events] == Context.class || Lambda.isContext(parameters[events]));
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
        boolean whole = contextType != Context.class; // as in Lambda
        OutputStream out = !streams ? null : whole ? new ByteArrayOutputStream() : context.output();
        Object event = streams ? new ByteArrayInputStream(context.payload()) : event(context);
        Object result;
        try {
            if (contextType == null) {
                result = streams ? method.invoke(target, event, out) : method.invoke(target, event);
            } else {
                Object about = contextType == Context.class ? context : Lambda.context(contextType, context);
                result = streams ? method.invoke(target, event, out, about) : method.invoke(target, event, about);
            }
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
        return out instanceof ByteArrayOutputStream all ? all.toByteArray() : encoded(result);
    }

    /** The event as the type that the handler declares. */
    private Object event(Context context) {
        Class<?> type = method.getParameterTypes()[0];
        if (type == byte[].class) {
            return context.payload();
        }
        String text = new String(context.payload(), StandardCharsets.UTF_8);
        if (type == String.class) {
            // Lambda's handlers are given JSON.
            return contextType != null && contextType != Context.class && text.startsWith("\"") ? Json.parse(text) : text;
        }
        return text.isEmpty() ? null : Mapper.read(Json.parse(text), method.getGenericParameterTypes()[0]);
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
        try {
            StringBuilder json = new StringBuilder();
            Json.write(json, Mapper.write(result));
            return json.toString().getBytes(StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new ClassCastException("what the handler returned cannot be sent: " + e.getMessage());
        }
    }
}
