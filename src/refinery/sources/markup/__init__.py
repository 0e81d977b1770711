"""A page's main content as text: what resiliparse's plain text would lose is written into the page as text first."""
