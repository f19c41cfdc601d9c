import dev.fescue.Client;
import dev.fescue.Message;
import dev.fescue.Subscription;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** The client: publishes polynomials, one a second, and prints the roots as they arrive. */
public final class PolynomialClient {
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final List<String> SERIES = List.of(
        "[1, -3, 2]", "[1, 0, 1]", "[1, -3, 3, -1]", "[2, 0, 0, 0, -2]", "[1, [0, -1], 0, [2, 3]]", "[1, 0, -7, 6, 0, 0]",
        "[1, -15, 85, -225, 274, -120]", "[1e-9, 3, -1e9]", "[1, \"two\", 3]");

    private PolynomialClient() {}

    public static void main(String[] arguments) throws InterruptedException {
        String me = UUID.randomUUID().toString().substring(0, 6);
        try (Client client = Client.connect(); Subscription<Message> answers = client.subscribe("poly/roots")) {
            for (int count = 0;; count++) {
                String coefficients = SERIES.get(count % SERIES.size());
                String id = me + "-" + count;
                client.publish("poly/request", "{\"id\": \"" + id + "\", \"coefficients\": " + coefficients + "}");
                System.out.println("roots of " + coefficients + ": " + answer(answers, id).map(PolynomialClient::described).orElse("no answer yet"));
                Thread.sleep(1000);
            }
        }
    }

    /** The answer with this id; empty if it does not come: the server may not be running yet. */
    private static Optional<Map<?, ?>> answer(Subscription<Message> answers, String id) {
        Instant deadline = Instant.now().plus(PATIENCE);
        while (Instant.now().isBefore(deadline)) {
            Optional<Message> message = answers.next(Duration.between(Instant.now(), deadline));
            if (message.isPresent() && Json.read(message.get().text()) instanceof Map<?, ?> answer && id.equals(answer.get("id"))) {
                return Optional.of(answer);
            }
        }
        return Optional.empty();
    }

    /** For people. */
    private static String described(Map<?, ?> answer) {
        if (answer.get("error") != null) {
            return "error: " + answer.get("error");
        }
        List<String> roots = new ArrayList<>();
        for (Object root : (List<?>) answer.get("roots")) {
            roots.add(shown((Double) ((List<?>) root).get(0), (Double) ((List<?>) root).get(1)));
        }
        return String.join(", ", roots);
    }

    /** A complex number with six digits, without a part that is 0. */
    private static String shown(double re, double im) {
        if (im == 0) {
            return digits(re);
        }
        return (re == 0 ? "" : digits(re) + (im > 0 ? "+" : "")) + digits(im) + "i";
    }

    private static String digits(double x) {
        return new java.math.BigDecimal(x).round(new java.math.MathContext(6)).stripTrailingZeros().toPlainString();
    }
}
