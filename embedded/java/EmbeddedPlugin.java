package shelfwise.plugin;

import java.util.Collection;
import java.util.List;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.rest.RestHandler;

/** What the published server lacks: the analysis components and {@code GET /}. */
public final class EmbeddedPlugin extends VersionedPlugin implements AnalysisPlugin {
    private volatile RootEndpoint root;

    @Override
    public Collection<?> createComponents(PluginServices services) {
        root = new RootEndpoint(services.clusterService());
        return List.of();
    }

    @Override
    Collection<RestHandler> restHandlers() {
        return List.of(root);
    }
}
