"""Built-in texts like a shop's, for checking a precision or an export when a model starts."""

from __future__ import annotations

PROBE_TEXTS = (
    "laptop",
    "cordless mouse",
    "usb-c to hdmi cable 2m",
    "red running shoes women size 38",
    "iphone 13 case transparent",
    "55 inch tv under 500",
    "Xerox 006R90321 toner cartridge Original Black 6 pc(s)",
    'HP Pavilion dv7-1211ea Notebook Silver 43.2 cm (17") Intel® Core™2 Duo 4 GB DDR2-SDRAM',
    "Logitech M185 wireless mouse, 2.4 GHz, grey. Logitech. Compact mouse with USB receiver.",
    "Organic fair-trade ground coffee, medium roast, 500 g",
    "Men's slim fit stretch chino trousers navy 32/34",
    "Stainless steel vacuum flask 750 ml keeps drinks hot for 12 hours",
    "Kids' wooden building blocks, 100 pieces, ages 3+",
    "Cat6a patch cable S/FTP 0.5 m yellow",
    "Waschmaschine 8 kg 1400 U/min Energieeffizienzklasse A",
    "écouteurs sans fil avec réduction de bruit",
    "zapatillas de senderismo impermeables hombre",
    "ノートパソコン 15.6インチ",
    "Garden hose reel 30 m with wall bracket and brass fittings",
    "LED bulb E27 9W warm white dimmable pack of 4",
    "anti-ageing face cream SPF 30 50ml",
    "Gaming chair with lumbar support and footrest, black and red",
    "Cotton duvet cover set, 200x200 cm, with two pillowcases, floral",
    "A4 copy paper 80 g/m² 5 x 500 sheets",
    "32GB DDR5-5600 CL36 kit (2x16GB)",
    "SSD M.2 NVMe 1 TB, 7000 MB/s read, PCIe 4.0, heatsink included",
    "Mountain bike 29 inch, hydraulic disc brakes, aluminium frame, size L",
    "Electric kettle 1.7 l with temperature control, brushed steel, 2200 W, auto shut-off",
    "Barbie doll house with elevator and 75 accessories",
    "Replacement strap for watch 22 mm leather brown",
    (
        "Cisco Catalyst 2960-X 48 port gigabit managed switch. Cisco. 48 x 10/100/1000 RJ-45, "
        "4 x SFP, layer 2, stackable, 19 inch rack mount, 370 W PoE budget, LAN Base licence, "
        "limited lifetime warranty, power cord and mounting kit included."
    ),
    (
        "Canon EOS 250D digital SLR camera with EF-S 18-55mm f/4-5.6 IS STM lens. Canon. 24.1 "
        "megapixel APS-C CMOS sensor, 4K video, vari-angle touch screen, Wi-Fi and Bluetooth, "
        "optical viewfinder, 5 frames per second, dual pixel autofocus with eye detection, up "
        "to 1070 shots per charge, 449 g with battery and card, black."
    ),
)
