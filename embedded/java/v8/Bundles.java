package shelfwise.node;

import java.util.Set;
import org.elasticsearch.env.Environment;
import org.elasticsearch.plugins.PluginBundle;
import org.elasticsearch.plugins.PluginsLoader;

/** Loads modules and plugins by the signatures of Elasticsearch 8. */
final class Bundles {
    private Bundles() {}

    static Set<PluginBundle> modules(Environment environment) {
        return PluginsLoader.loadModulesBundles(environment.modulesDir());
    }

    static Set<PluginBundle> plugins(Environment environment) {
        return PluginsLoader.loadPluginsBundles(environment.pluginsDir());
    }
}
