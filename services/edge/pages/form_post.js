// Sends on the only form of the page, for those who would otherwise press its button.
document.forms[0].submit();
