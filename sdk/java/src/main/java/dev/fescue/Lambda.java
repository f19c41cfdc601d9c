package dev.fescue;

import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;

/**
 * AWS Lambda's interfaces for Java, {@code com.amazonaws.services.lambda.runtime}, which come with the artifact's own jar and are known here
 * by their names alone.
 */
final class Lambda {
    private static final String PACKAGE = "com.amazonaws.services.lambda.runtime.";
    private static final int MEGABYTE = 1 << 20;

    private Lambda() {}

    static boolean isContext(Class<?> type) {
        return type.getName().equals(PACKAGE + "Context");
    }

    /** Whether a method's parameters are those of RequestStreamHandler; the context may be left out. */
    static boolean isStream(Class<?>[] parameters) {
        return parameters.length >= 2 && parameters[0] == InputStream.class && parameters[1] == OutputStream.class;
    }

    /** Lambda's Context, of the handler's own class loader, that tells what this one knows. */
    static Object context(Class<?> type, Context context) {
        return implement(type, new InvocationHandler() {
            @Override
            public Object invoke(Object proxy, Method method, Object[] arguments) {
                switch (method.getName()) {
                    case "getAwsRequestId": return context.id().isEmpty() ? String.valueOf(context.invocationId()) : context.id();
                    case "getFunctionName":
                    case "getInvokedFunctionArn":
                    case "getLogGroupName": return context.application();
                    case "getFunctionVersion": return context.version();
                    case "getLogStreamName": return context.device();
                    case "getRemainingTimeInMillis": return context.remainingTimeInMillis();
                    case "getMemoryLimitInMB": return (int) (Runtime.getRuntime().maxMemory() / MEGABYTE);
                    case "getLogger": return logger(method.getReturnType(), context);
                    default: return other(proxy, method, arguments); // getIdentity, getClientContext: null
                }
            }
        });
    }

    private static Object logger(Class<?> type, Context context) {
        return implement(type, new InvocationHandler() {
            @Override
            public Object invoke(Object proxy, Method method, Object[] arguments) {
                if (!method.getName().equals("log")) {
                    return other(proxy, method, arguments);
                }
                String text = arguments[0] instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : String.valueOf(arguments[0]);
                context.log(level(arguments.length > 1 ? String.valueOf(arguments[1]) : ""), text.stripTrailing());
                return null;
            }
        });
    }

    private static LogLevel level(String name) {
        switch (name) {
            case "TRACE":
            case "DEBUG": return LogLevel.DEBUG;
            case "WARN": return LogLevel.WARNING;
            case "ERROR":
            case "FATAL": return LogLevel.ERROR;
            default: return LogLevel.INFO;
        }
    }

    private static Object implement(Class<?> type, InvocationHandler handler) {
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler);
    }

    /** Object's methods; others, of versions to come, have nothing to tell. */
    private static Object other(Object proxy, Method method, Object[] arguments) {
        switch (method.getName()) {
            case "toString": return "Fescue";
            case "hashCode": return System.identityHashCode(proxy);
            case "equals": return proxy == arguments[0];
            default: return method.getReturnType() == int.class ? (Object) 0 : method.getReturnType() == boolean.class ? false : null;
        }
    }
}
