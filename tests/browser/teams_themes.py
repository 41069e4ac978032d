"""Teams' three themes for the official renderer of Adaptive Cards: its host configuration, and the styles around it.

Sizes and colours of light and dark are those of Microsoft's designer for cards (`microsoft-teams-light` and `-dark`),
but for three things: buttons wrap and look like Fluent's, fields have a border, and the red of dark is lighter. The
designer's #D74654 has a contrast of 3.2 on its ground. The renderer writes the star of required fields and the error
below a field with it, so no card can change that. Microsoft publishes no configuration for high contrast: ours has the
colours of Teams' theme of that name.
"""

from dataclasses import dataclass
from typing import Any

COLOURED = ("accent", "good", "attention", "warning")
"""Styles of containers with a background of their own."""
LIGHT_GROUNDS = {"accent": "#C7DEF9", "good": "#CCFFCC", "attention": "#FFC5B2", "warning": "#FFE2B2"}


@dataclass(frozen=True, slots=True)
class Theme:
    name: str
    ground: str
    emphasis: str
    text: tuple[str, str]
    """Usual and subtle; as #AARRGGBB where it shines through."""
    on_coloured: tuple[str, str]
    coloured: dict[str, str]
    """Backgrounds by the style of the container."""
    words: dict[str, str]
    """Colours of text by name."""
    button: str
    positive: str
    destructive: str
    """Text, background and border of a button, as CSS."""
    field: str

    def host_config(self, zoom: float = 1) -> dict[str, Any]:
        """`zoom` enlarges text, and nothing else."""
        sizes = {"small": 12, "default": 14, "medium": 14, "large": 18, "extraLarge": 24}
        font = {
            "fontFamily": "'Segoe UI', Tahoma, Geneva, Verdana, sans-serif",
            "fontSizes": {name: size * zoom for name, size in sizes.items()},
            "fontWeights": {"lighter": 200, "default": 400, "bolder": 600},
        }
        plain = {"default": self.ground, "emphasis": self.emphasis}
        fact = {"size": "Default", "color": "Default", "isSubtle": False, "wrap": True}
        return {
            "supportsInteractivity": True,
            "spacing": {"small": 8, "default": 12, "medium": 16, "large": 20, "extraLarge": 24, "padding": 16},
            "separator": {"lineThickness": 1, "lineColor": "#EEEEEE"},
            "fontTypes": {"default": font, "monospace": font},
            "textStyles": {"heading": {"size": "large", "weight": "bolder"}},
            "textBlock": {"headingLevel": 2},
            "containerStyles": {
                name: self._container(name, ground) for name, ground in {**plain, **self.coloured}.items()
            },
            "actions": {
                "maxActions": 6,
                "buttonSpacing": 8,
                "actionsOrientation": "Horizontal",
                "actionAlignment": "Left",
                "allowTitleToWrap": True,
            },
            "factSet": {"title": {**fact, "weight": "Bolder"}, "value": fact, "spacing": 16},
        }

    def _container(self, style: str, ground: str) -> dict[str, Any]:
        usual, subtle = self.on_coloured if style in COLOURED else self.text
        words = {name: {"default": colour, "subtle": colour} for name, colour in self.words.items()}
        return {
            "backgroundColor": ground,
            "borderColor": "#CCCCCC",
            "foregroundColors": {"default": {"default": usual, "subtle": subtle}, **words},
        }

    def css(self, zoom: float = 1) -> str:
        size = 14 * zoom
        return f"""
body {{ margin: 0; background: {self.ground}; }}
section {{ border-bottom: 8px double #888; }}
.ac-actionSet {{ flex-wrap: wrap; row-gap: 8px; }}
.ac-pushButton {{ font: 600 {size}px 'Segoe UI', sans-serif; padding: 5px 12px; border-radius: 4px; cursor: pointer;
  {self.button} }}
.ac-pushButton.style-positive {{ {self.positive} }}
.ac-pushButton.style-destructive {{ {self.destructive} }}
.ac-input {{ font: {size}px 'Segoe UI', sans-serif; }}
.ac-textInput {{ padding: 5px 10px; border-radius: 4px; box-sizing: border-box; {self.field} }}
.ac-textInput.ac-multiline {{ height: {72 * zoom}px; resize: none; }}
"""


LIGHT = Theme(
    name="light",
    ground="#FFFFFF",
    emphasis="#F9F8F7",
    text=("#252424", "#bf252424"),
    on_coloured=("#252424", "#bf252424"),
    coloured=LIGHT_GROUNDS,
    words={"accent": "#6264A7", "good": "#92C353", "warning": "#F8D22A", "attention": "#C4314B"},
    button="color: #242424; background: #FFFFFF; border: 1px solid #D1D1D1",
    positive="color: #FFFFFF; background: #5B5FC7; border-color: #5B5FC7",
    destructive="color: #FFFFFF; background: #C4314B; border-color: #C4314B",
    field="color: #242424; background: #F3F2F1; border: 1px solid #616161",
)
DARK = Theme(
    name="dark",
    ground="#2D2C2C",
    emphasis="#292828",
    text=("#FFFFFF", "#bfffffff"),
    on_coloured=("#201F1F", "#2D2C2C"),
    coloured=LIGHT_GROUNDS,
    words={"accent": "#A6A7DC", "good": "#92C353", "warning": "#F8D22A", "attention": "#F9A1AD"},
    button="color: #FFFFFF; background: #292929; border: 1px solid #666666",
    positive="color: #FFFFFF; background: #4F52B2; border-color: #4F52B2",
    destructive="color: #FFFFFF; background: #C4314B; border-color: #C4314B",
    field="color: #FFFFFF; background: #201E1F; border: 1px solid #ADADAD",
)
CONTRAST = Theme(
    name="contrast",
    ground="#000000",
    emphasis="#000000",
    text=("#FFFFFF", "#FFFFFF"),
    on_coloured=("#FFFFFF", "#FFFFFF"),
    coloured=dict.fromkeys(COLOURED, "#000000"),
    words={"accent": "#1AEBFF", "good": "#3FF23F", "warning": "#FFFF01", "attention": "#FFFF01"},
    button="color: #FFFFFF; background: #000000; border: 2px solid #FFFFFF",
    positive="color: #000000; background: #1AEBFF; border-color: #1AEBFF",
    destructive="color: #000000; background: #FFFF01; border-color: #FFFF01",
    field="color: #FFFFFF; background: #000000; border: 2px solid #FFFFFF",
)
THEMES = (LIGHT, DARK, CONTRAST)
