package shelfwise.node;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Runs one Elasticsearch node until SIGTERM, until standard input ends, or until the parent dies.
 *
 * <p>Usage: {@code EmbeddedNode HOME CONFIG NODE_NAME PARENT_PID}. HOME holds modules/ and plugins/
 * and may be shared by nodes; CONFIG holds one node's elasticsearch.yml and log4j2.properties.
 */
public final class EmbeddedNode {
    private static final long CLOSE_SECONDS = 20;

    private static volatile Node running;

    private EmbeddedNode() {}

    public static void main(String[] arguments) throws Exception {
        // Before any other Elasticsearch class: they log while they are being loaded.
        LogConfigurator.configureESLogging();
        Path home = Path.of(arguments[0]).toAbsolutePath();
        Path config = Path.of(arguments[1]).toAbsolutePath();
        String name = arguments[2];
        exitWithParent(Long.parseLong(arguments[3]));

        System.setProperty("es.path.home", home.toString());
        System.setProperty("es.path.conf", config.toString());
        Settings settings = Settings.builder().put("path.home", home.toString()).build();
        Environment environment =
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> name);
        LogConfigurator.setNodeName(name);
        LogConfigurator.configure(environment, false);

        CountDownLatch closed = new CountDownLatch(1);
        Node node = new Node(environment, pluginsLoader(environment));
        running = node;
        Runtime.getRuntime()
            .addShutdownHook(new Thread(() -> close(node, closed), "shelfwise-close"));
        node.start();
        closed.await();
    }

    private static PluginsLoader pluginsLoader(Environment environment) {
        return PluginsLoader.createPluginsLoader(
            Bundles.modules(environment), Bundles.plugins(environment), Map.of());
    }

    private static void close(Node node, CountDownLatch closed) {
        try {
            node.prepareForClose();
            node.close();
            node.awaitClose(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (IOException | RuntimeException e) {
            e.printStackTrace();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            closed.countDown();
        }
    }

    /**
     * A parent that is killed cannot stop us, so we watch it twice: its end of our standard input
     * closes at once, and its process id disappears even if a forked sibling keeps that pipe open.
     */
    private static void exitWithParent(long parentId) {
        Thread watcher = new Thread(() -> {
            try {
                while (System.in.read() != -1) {
                    continue;
                }
            } catch (IOException e) {
                // A broken pipe says the same as its end.
            }
            endAtOnce();
        }, "shelfwise-parent-watch");
        watcher.setDaemon(true);
        watcher.start();
        ProcessHandle.of(parentId).ifPresentOrElse(
            parent -> parent.onExit().thenRun(EmbeddedNode::endAtOnce), EmbeddedNode::endAtOnce);
    }

    /** Closes the node, but leaves out what only a parent waits for, such as archiving classes. */
    private static synchronized void endAtOnce() {
        Node open = running;
        if (open != null) {
            close(open, new CountDownLatch(1));
        }
        Runtime.getRuntime().halt(0);
    }
}
