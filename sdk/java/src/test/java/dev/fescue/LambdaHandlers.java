package dev.fescue;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Functions as they were written for AWS Lambda. */
public final class LambdaHandlers {
    private LambdaHandlers() {}

    public static final class Maps implements RequestHandler<Map<String, Object>, Map<String, Object>> {
        @Override
        public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
            Map<String, Object> answer = new TreeMap<>(event);
            answer.replaceAll((name, value) -> name + " " + value + " " + (value == null ? "" : value.getClass().getSimpleName()));
            return answer;
        }
    }

    public static final class Texts implements RequestHandler<String, String> {
        @Override
        public String handleRequest(String event, Context context) {
            return event + "!";
        }
    }

    public static final class Sum implements RequestHandler<List<Integer>, Integer> {
        @Override
        public Integer handleRequest(List<Integer> event, Context context) {
            return event.stream().mapToInt(Integer::intValue).sum();
        }
    }

    public enum Unit { METRE, FOOT }

    public record Size(double width, Unit unit) {}

    /** A class in the style of Lambda's own events. */
    public static final class Order {
        private String id;
        private List<Size> sizes;
        private boolean urgent;
        private byte[] seal;
        public Map<String, Long> stock;

        public String getId() {
            return id;
        }

        public void setId(String id) {
            this.id = id;
        }

        public List<Size> getSizes() {
            return sizes;
        }

        public void setSizes(List<Size> sizes) {
            this.sizes = sizes;
        }

        public boolean isUrgent() {
            return urgent;
        }

        public void setUrgent(boolean urgent) {
            this.urgent = urgent;
        }

        public byte[] getSeal() {
            return seal;
        }

        public void setSeal(byte[] seal) {
            this.seal = seal;
        }
    }

    public static final class Orders implements RequestHandler<Order, Order> {
        @Override
        public Order handleRequest(Order order, Context context) {
            order.setId(order.getId() + " of " + order.getSizes().get(0).unit().name().toLowerCase());
            order.stock.replaceAll((name, number) -> number + 1);
            return order;
        }
    }

    public static final class About implements RequestHandler<Object, List<Object>> {
        @Override
        public List<Object> handleRequest(Object event, Context c) {
            c.getLogger().log("plain\n");
            c.getLogger().log("careful", LogLevel.WARN);
            boolean limited = c.getRemainingTimeInMillis() > 0 && c.getRemainingTimeInMillis() <= 5000;
            return java.util.Arrays.asList(c.getAwsRequestId(), c.getFunctionName(), c.getFunctionVersion(), limited, c.getMemoryLimitInMB() > 0,
                c.getIdentity(), c.getClientContext(), c.equals(c), c.toString());
        }
    }

    public static final class Streams implements RequestStreamHandler {
        @Override
        public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
            byte[] all = in.readAllBytes();
            for (int i = all.length - 1; i >= 0; i--) {
                out.write(all[i]);
            }
        }
    }

    /** Methods without the interface. */
    public static Map<String, Object> proxy(Map<String, String> event, Context context) {
        return Map.of("statusCode", 201, "body", event.get("name") + " for " + context.getFunctionName());
    }

    public static Object holdsItself(String event) {
        Object[] array = new Object[1];
        array[0] = array;
        return array;
    }
}
