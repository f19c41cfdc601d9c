import dev.fescue.Client;
import dev.fescue.Policy;
import dev.fescue.SubscribeOptions;

/** The server as a service: answers every request on poly/request with the roots on poly/roots. */
public final class Server {
    private Server() {}

    public static void main(String[] arguments) throws InterruptedException {
        try (Client client = Client.connect()) {
            System.out.println("computing roots on " + client.device());
            // BLOCK holds a client back rather than losing a request of one that sends faster than roots are found.
            SubscribeOptions options = new SubscribeOptions().policy(Policy.BLOCK);
            client.subscribe("poly/request", options, request -> client.publish("poly/roots", Answer.to(request.text())));
            client.run();
        }
    }
}
