"""What is translated and told when no other texts are named; written for PolySpec."""

SENTENCES = (
    "The bakery on the corner sells warm bread from five in the morning.",
    "My brother repairs old radios and gives them to his neighbours.",
    "We walked along the river until it was too dark to see the path.",
    "The doctor asked her to drink more water and to sleep eight hours a night.",
    "Nobody knew why the clock in the tower had stopped at ten past four.",
    "Please close the window before you leave, because the cat likes to climb out.",
    "In spring the farmers plant beans and pumpkins between the rows of corn.",
    "The train to the coast leaves at a quarter to seven from platform three.",
    "She has written a letter to the mayor about the broken bridge.",
    "If the rain does not stop, the school will stay closed tomorrow.",
    "The children drew a map of their village and hung it in the hall.",
    "He bought two kilos of apples, a bag of flour and a jar of honey.",
    "Our grandmother tells the same story every winter, and each time it ends well.",
    "The museum shows tools that people used here a thousand years ago.",
    "After the match the players shook hands and went home together.",
    "You can charge the lamp in the sun and read by it at night.",
)
"""English sentences for translation."""

THEMES = (
    "brave fisherman",
    "lost key",
    "silent forest",
    "generous king",
    "stubborn donkey",
    "hidden letter",
    "golden river",
    "curious child",
    "broken bell",
    "distant mountain",
    "patient weaver",
    "hungry fox",
    "ancient tree",
    "honest thief",
    "windy harbour",
    "forgotten song",
)
"""An adjective and a noun each, as in arXiv 2605.30580."""

COPIED = (
    "Contacts: Anna Kowalska, +48 601 234 567, anna.kowalska@example.org; Piotr Nowak, "
    "+48 602 345 678, piotr.nowak@example.org; Maria Zielinska, +48 603 456 789, "
    "maria.zielinska@example.org; Jan Wisniewski, +48 604 567 890, "
    "jan.wisniewski@example.org.",
    "Open the left door and press the green button, open the right door and press the "
    "green button, open the back door and press the green button, open the front door "
    "and press the green button, then close the left door, close the right door, close "
    "the back door and close the front door.",
    "Run `python -m pip install --upgrade polyspec==0.1.0 numpy==2.4.6 typer==0.29.2`, "
    "then `polyspec translate --in report.txt -o report.fr.txt --from en --to fr "
    "--model gemma-3-270m --draft history --stats`, then `polyspec translate --in "
    "report.txt -o report.de.txt --from en --to de --model gemma-3-270m --draft "
    "history --stats`.",
    "Flight QX 4471 Nairobi - Addis Ababa 06:40 - 08:45, flight QX 4472 Addis Ababa - "
    "Nairobi 09:30 - 11:35, flight QX 4473 Nairobi - Addis Ababa 12:40 - 14:45, flight "
    "QX 4474 Addis Ababa - Nairobi 15:30 - 17:35.",
    "Room 101 is free on Monday, room 102 is free on Monday, room 103 is free on "
    "Monday, room 201 is free on Tuesday, room 202 is free on Tuesday, room 203 is "
    "free on Tuesday, room 301 is free on Wednesday, room 302 is free on Wednesday.",
    "The server wrote: error 504 at https://api.example.org/v2/users/88213/orders, "
    "error 504 at https://api.example.org/v2/users/88214/orders, error 504 at "
    "https://api.example.org/v2/users/88215/orders, and error 504 at "
    "https://api.example.org/v2/users/88216/orders.",
)
"""English texts of which a translation copies much: names, numbers, code, lists."""
