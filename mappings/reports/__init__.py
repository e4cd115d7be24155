"""Reports that open anywhere: charts as SVG, pages as one HTML file."""
